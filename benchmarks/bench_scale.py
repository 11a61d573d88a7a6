"""What rows cost: time and memory of every stage as a dataset grows.

`make bench` takes small datasets; the sizes of the README take hours on two cores:

    python -m benchmarks.bench_scale FOLDER --probe 10000,100000,1000000 --trace 10000,100000

Texts are invented and the encoder is tiny and random, so that what is measured is everything but
the encoder. FOLDER gets `scale.csv`, to which every call adds; `benchmarks.scale_picture` draws it.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import psutil

from benchmarks.invented import save_words_encoder, write_scores, write_texts
from influence_core.store.run import Run

TICK = 0.05
"""Seconds between two looks at a process."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment in which processor time is not spent on waiting for one another."""

RUN = ("run", "--precision", "fp32")
SHORT = ("--epochs", "1", "--checkpoints", "3", "--scores", "vog,tracin")
MODES = {
    "probe": (*RUN, "--mode", "probe"),
    "trace": (*RUN, "--mode", "finetune", *SHORT),
    "import": ("import",),
    "import-ten": ("import",),
}
SCORES = {"import": 1, "import-ten": 10}
"""Scores a row of the imported tables."""


@dataclass(frozen=True)
class Cost:
    """What a stage took; `peak_mb` is the most memory that its process was seen to hold in it."""

    mode: str
    rows: int
    stage: str
    seconds: float
    processor_seconds: float
    peak_mb: float

    def __str__(self) -> str:
        return (
            f"{self.mode}, {self.rows:>10,} rows, {self.stage}: {self.seconds:.1f} s, of them "
            f"{self.processor_seconds:.1f} on processors "
            f"({self.rows / max(self.processor_seconds, TICK):,.0f} rows a second), "
            f"{self.peak_mb:,.0f} MB at most"
        )


def results() -> Iterator[Cost]:
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"probe": (1_000, 10_000), "trace": (1_000,), "import": (10_000, 100_000)}
        yield from measure(Path(folder), sizes)


def measure(folder: Path, sizes: dict[str, Sequence[int]]) -> Iterator[Cost]:
    """Run every mode at every size, each in a process of its own."""
    encoder = save_words_encoder(folder / "encoder")
    for mode, several in sizes.items():
        for rows in several:
            command = [*MODES[mode], *_input(folder, mode, rows, encoder)]
            yield from _costs(mode, rows, command, folder / "runs")


def _input(folder: Path, mode: str, rows: int, encoder: Path) -> list[str]:
    """Write what a mode reads, unless it is there, and return the arguments that name it."""
    texts = folder / f"texts-{rows}{'.parquet' if mode in SCORES else '.csv'}"
    if not texts.exists():
        write_texts(texts, rows)
    if mode not in SCORES:
        return [str(texts), "--encoder", str(encoder)]
    scores = folder / f"scores-{rows}-{SCORES[mode]}.parquet"
    if not scores.exists():
        write_scores(scores, rows, SCORES[mode])
    return [str(texts), "--from", str(scores)]


def _costs(mode: str, rows: int, command: list[str], runs: Path) -> Iterator[Cost]:
    """Do the command in a process of its own, and yield what its stages took."""
    run = Run(runs / "measured")
    whole = [sys.executable, "-m", "influence_core", *command, "--name", run.name]
    environment = {**os.environ, **ONE_THREAD, "INFLUENCE_RUNS": str(runs)}
    process = psutil.Popen(whole, env=environment, stdout=subprocess.DEVNULL)
    watch = Watch(process)
    while process.poll() is None:
        watch.look(run)
        time.sleep(TICK)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, whole)
    for stage, took in run.manifest().stages.items():
        used, peak = watch.stages.get(stage, watch.since())
        yield Cost(mode, rows, stage, took.seconds, round(used, 1), round(peak))
    shutil.rmtree(run.path)


class Watch:
    """Looks at a process from outside; `stages` are the processor seconds and peak of each."""

    def __init__(self, process: psutil.Popen) -> None:
        self.stages: dict[str, tuple[float, float]] = {}
        self._process = process
        self._before = self._used = self._held = self._peak = 0.0
        self._changed = 0

    def look(self, run: Run) -> None:
        """Take in what the process used and holds, and close the stages it has finished."""
        try:
            with self._process.oneshot():
                self._used = sum(self._process.cpu_times()[:2])
                self._held = self._process.memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            return
        self._peak = max(self._peak, self._held)
        for stage in self._newly_finished(run):
            self.stages[stage] = self.since()
            self._before, self._peak = self._used, self._held

    def since(self) -> tuple[float, float]:
        """Return processor seconds and peak since a stage was closed."""
        return self._used - self._before, self._peak

    def _newly_finished(self, run: Run) -> list[str]:
        """Return the stages finished since the last look, the start of the process among them."""
        if not run.log_file.exists() or run.manifest_file.stat().st_mtime_ns == self._changed:
            return []
        self._changed = run.manifest_file.stat().st_mtime_ns
        return [name for name in ("start", *run.manifest().stages) if name not in self.stages]


def write_table(path: Path, costs: Sequence[Cost]) -> None:
    """Write `scale.csv`; measurements of the same kind and size replace earlier ones."""
    fresh = {(cost.mode, cost.rows) for cost in costs}
    kept = [cost for cost in read_table(path) if (cost.mode, cost.rows) not in fresh]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Cost)])
        writer.writeheader()
        writer.writerows(asdict(cost) for cost in [*kept, *costs])


def read_table(path: Path) -> list[Cost]:
    """Read `scale.csv`; nothing where it is not there."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Cost(mode, int(rows), stage, *map(float, figures))
            for mode, rows, stage, *figures in list(csv.reader(file))[1:]
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for mode in MODES:
        parser.add_argument(f"--{mode}", dest=mode, default="", help="rows, separated by commas")
    asked = vars(parser.parse_args())
    folder = asked.pop("folder")
    folder.mkdir(parents=True, exist_ok=True)
    costs = []
    for cost in measure(folder, {mode: _sizes(words) for mode, words in asked.items()}):
        print(cost, flush=True)
        costs.append(cost)
        write_table(folder / "scale.csv", costs)


def _sizes(words: str) -> list[int]:
    return [int(word) for word in words.split(",") if word]


if __name__ == "__main__":
    main()
