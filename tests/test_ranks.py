"""Fine-tuning by several processes: one run folder, and the result of a single process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from influence_core import jobs, pipeline, ranks
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import ConfigError
from influence_core.store.run import Run
from influence_core.training.minibatches import read_minibatches
from tests.requests import write_requests
from tests.tiny_encoder import without_dropout

ROOT = Path(__file__).parents[1]


@pytest.fixture
def settings(tmp_path: Path, tiny_encoder: Path) -> RunSettings:
    """A fine-tuning of 96 rows in batches of 16, in which chance has no part."""
    rows = write_requests(tmp_path / "requests.csv", rows=96)
    return RunSettings(
        data=DataSettings(source=str(rows), validation_fraction=0, test_fraction=0),
        model=ModelSettings(
            encoder=str(without_dropout(tiny_encoder, tmp_path / "encoder")), dropout=0
        ),
        training=TrainingSettings(
            mode="finetune", epochs=2, batch_size=16, checkpoints=3, seeds=2, precision="fp32"
        ),
        scoring=ScoringSettings(
            scores=("vog", "el2n", "forgetting", "pvi", "tracin"),
            forgetting_from="minibatches",
            pvi_null="trained",
        ),
    )


def launch(script: str, folder: Path, processes: int = 2) -> subprocess.CompletedProcess[str]:
    """Run a Python script as several processes under torchrun."""
    (folder / "script.py").write_text(script, encoding="utf-8")
    own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*torchrun, "--nproc-per-node", str(processes), "script.py"],
        cwd=folder,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


RUN = """
import os
import influence_core as ic
from pathlib import Path

settings = ic.RunSettings.model_validate_json({settings!r})
run = ic.run(name="shared", settings=settings)
Path("seen-" + os.environ["RANK"]).write_text(run.manifest().status)
"""


@pytest.mark.slow
def test_two_processes_make_one_run_like_that_of_one_process(
    tmp_path: Path, runs_root: Path, settings: RunSettings
) -> None:
    done = launch(RUN.format(settings=settings.model_dump_json()), tmp_path)
    assert done.returncode == 0, done.stderr
    shared, alone = Run(runs_root / "shared"), pipeline.run(name="alone", settings=settings)
    assert [(tmp_path / f"seen-{rank}").read_text() for rank in (0, 1)] == ["complete"] * 2
    assert _pieces(shared) == _pieces(alone)
    assert _begun(shared) == _begun(alone)
    for key in ("vog", "el2n", "tracin"):
        np.testing.assert_allclose(
            shared.scores()[key], alone.scores()[key], rtol=2e-3, err_msg=key
        )
    for one, other in zip(_replicates(shared), _replicates(alone), strict=True):
        np.testing.assert_allclose(_null(one), _null(other), rtol=2e-3)
        for seen, expected in zip(read_minibatches(one), read_minibatches(other), strict=True):
            np.testing.assert_allclose(seen.column("p_true"), expected.column("p_true"), rtol=2e-3)
    assert (shared.scores()["forgetting"] == alone.scores()["forgetting"]).mean() > 0.97


def _replicates(run: Run) -> list[Run]:
    return [run, Run(run.replicates_folder / "seed-1")]


def _null(replicate: Run) -> np.ndarray:
    """Return the logarithms; their last bits are those of the number of threads."""
    table = pq.read_table(replicate.path / "null.parquet")
    return table.column(table.column_names[-1]).to_numpy()


def _pieces(run: Run) -> set[str]:
    """Return the files of a run but those that are named by its process."""
    return {str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()}


def _begun(run: Run) -> list[tuple[str, int]]:
    events, _ = jobs.events(run)
    return [(event.stage, event.total) for event in events if event.kind == "begin"]


@pytest.mark.slow
def test_a_leader_that_cannot_go_on_takes_the_others_with_it(
    tmp_path: Path, runs_root: Path, settings: RunSettings
) -> None:
    absent = settings.data.model_copy(update={"source": str(tmp_path / "absent.csv")})
    broken = settings.model_copy(update={"data": absent}).model_dump_json()
    done = launch(RUN.format(settings=broken), tmp_path)
    assert done.returncode != 0
    assert "There is no file or folder" in done.stderr
    assert json.loads((runs_root / "shared" / "run.json").read_text())["status"] == "failed"


def test_a_batch_must_divide_among_the_processes(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ConfigError, match="'batch_size' must be a multiple of 3"):
        pipeline.check(settings)
    pipeline.check(RunSettings())


def test_a_single_process_leads_itself(tmp_path: Path) -> None:
    assert ranks.leads()
    assert ranks.world_size() == 1
    with ranks.leading(tmp_path):
        ranks.send(ranks.Order(tmp_path, 0))
