"""The whole way, from a CSV file to an exported subset, by the command line of real processes."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from influence_core import jobs
from influence_core.store.files import PARTIAL
from influence_core.store.run import Run, open_run
from tests.tiny_encoder import save_tiny_encoder

pytestmark = pytest.mark.slow

TOPICS = {
    "lights": ("lamp", "bulb", "ceiling", "bright", "dim"),
    "music": ("song", "album", "volume", "jazz", "radio"),
    "weather": ("rain", "snow", "sunny", "forecast", "wind"),
}
OPENINGS = ("please", "could you", "I want", "now", "tell me about", "do something with")
ROWS = 240
KILLED = Path(__file__).with_name("killed.py")


def sentences() -> list[tuple[str, str]]:
    rows = []
    for number in range(ROWS):
        label = list(TOPICS)[number % len(TOPICS)]
        words = TOPICS[label]
        opening = OPENINGS[(number // 3) % len(OPENINGS)]
        first, second = words[(number // 7) % 5], words[(number // 11 + 2) % 5]
        rows.append((f"{opening} {first} and {second} {number}", label))
    return rows


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset and a tiny encoder."""
    folder = tmp_path_factory.mktemp("workshop")
    rows = sentences()
    with (folder / "requests.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("utterance", "topic"), *rows])
    save_tiny_encoder(folder / "encoder", [text for text, _ in rows])
    return folder


def influence(workshop: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return started(workshop, "-P", "-m", "influence_core", *arguments)


def started(workshop: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=workshop,
        env=environment(workshop),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def environment(workshop: Path) -> dict[str, str]:
    project = str(Path(__file__).parents[1])
    own = {"INFLUENCE_RUNS": str(workshop / "runs"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": project}
    return {**os.environ, **own}


def options(name: str) -> tuple[str, ...]:
    return (
        *("run", "requests.csv", "--text", "utterance", "--label", "topic", "--name", name),
        *("--encoder", "encoder", "--epochs", "3", "--batch-size", "16", "--checkpoints", "3"),
        *("--precision", "fp32"),
    )


def digest(run: Run) -> str:
    kept = [run.scores_file, *sorted(run.activations_folder.glob("*.npy"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in kept)).hexdigest()


@pytest.fixture(scope="module")
def first(workshop: Path) -> Run:
    done = influence(workshop, *options("first"))
    assert done.returncode == 0, done.stderr
    return open_run("first", workshop / "runs")


def test_a_run_leaves_every_artefact_and_tells_where(workshop: Path, first: Run) -> None:
    manifest = first.manifest()
    assert manifest.status == "complete"
    assert manifest.dataset is not None
    assert set(manifest.dataset.label_names) == set(TOPICS)
    assert len(first.scores()) == manifest.dataset.splits["train"]
    assert 0 <= manifest.metrics["test"]["accuracy"] <= 1
    assert jobs.status(first).state == "finished"
    assert any(event.stage == "training" for event in jobs.events(first)[0])
    listed = json.loads(influence(workshop, "runs", "--json").stdout)
    assert "first" in [row["name"] for row in listed]
    shown = influence(workshop, "show", "first")
    assert "hardest by" in shown.stdout, shown.stderr


def test_the_same_command_gives_the_same_bytes(workshop: Path, first: Run) -> None:
    done = influence(workshop, *options("second"))
    assert done.returncode == 0, done.stderr
    assert digest(open_run("second", workshop / "runs")) == digest(first)


def test_a_killed_run_goes_on_to_the_same_bytes(workshop: Path, first: Run) -> None:
    command = [sys.executable, "-P", "-m", "influence_core", *options("killed")]
    with subprocess.Popen(
        command, cwd=workshop, env=environment(workshop), stderr=subprocess.DEVNULL
    ) as process:
        _wait_for_stage(workshop / "runs" / "killed", process)
        process.send_signal(signal.SIGKILL)
    run = open_run("killed", workshop / "runs")
    assert jobs.status(run).state == "interrupted"
    done = influence(workshop, *options("killed"), "--resume")
    assert done.returncode == 0, done.stderr
    assert digest(run) == digest(first)


@pytest.mark.parametrize(
    ("mode", "pieces"),
    [
        ("probe", ["examples", "embeddings", "step-000008.npy", "scores"]),
        ("finetune", ["step-000008:after", "shard", "shard-00000.parquet", "step-000008.npy"]),
    ],
)
def test_a_run_killed_again_and_again_loses_nothing(
    workshop: Path, mode: str, pieces: list[str]
) -> None:
    chosen = ("--mode", mode, "--scores", "vog,el2n,tracin", "--epochs", "1")
    whole = influence(workshop, *options(f"whole-{mode}"), *chosen)
    assert whole.returncode == 0, whole.stderr
    command = [*options(f"shot-{mode}"), *chosen]
    for number, piece in enumerate(pieces):
        resume = ["--resume"] * (number > 0)
        shot = started(workshop, str(KILLED), piece, *command, *resume)
        assert shot.returncode == -signal.SIGKILL, (piece, shot.stderr)
        assert jobs.status(open_run(f"shot-{mode}", workshop / "runs")).state == "interrupted"
    done = influence(workshop, *command, "--resume")
    assert done.returncode == 0, done.stderr
    run = open_run(f"shot-{mode}", workshop / "runs")
    assert digest(run) == digest(open_run(f"whole-{mode}", workshop / "runs"))
    assert not list(run.path.rglob(f"{PARTIAL}*"))


def test_the_background_gives_the_same_bytes(
    workshop: Path, first: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workshop)
    job = jobs.start(first.manifest().settings, "background", workshop / "runs")
    deadline = time.monotonic() + 120
    while jobs.status(job.place).state == "running" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert jobs.status(job.place).state == "finished", jobs.status(job.place)
    assert digest(job.place) == digest(first)


def test_a_subset_is_exported(workshop: Path, first: Run) -> None:
    done = influence(workshop, "export", "first", "subset", "--fraction", "0.25", "--json")
    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    train = len(first.scores(["row"]))
    assert sum(manifest["train_after"].values()) == train - round(0.25 * train)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("utterance,topic\n", "no rows"),
        ("utterance,topic\n" + "hello,greeting\n" * 30, "class"),
    ],
    ids=["empty", "header-only", "one-class"],
)
def test_bad_input_is_told_kindly(workshop: Path, text: str, message: str) -> None:
    (workshop / "bad.csv").write_text(text)
    done = influence(workshop, "run", "bad.csv", "--encoder", "encoder")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr.lower()
    assert "Traceback" not in done.stderr


def _wait_for_stage(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        log = folder / "log.jsonl"
        if log.exists() and '"training"' in log.read_text(encoding="utf-8"):
            return
        time.sleep(0.005)
    pytest.fail("the run never came to its training")
