"""The `influence` command in this process, and a pretended pipeline."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from influence_core.cli import main
from influence_core.config import ComputeSettings, RunSettings
from influence_core.progress import Listener, Progress
from influence_core.store.run import Run, create_run, open_run


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)


Influence = Callable[..., Answer]


@pytest.fixture
def influence(capsys: pytest.CaptureFixture[str], runs_root: Path) -> Influence:
    """Call the command line in this process, over an empty folder of runs."""

    def call(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        said = capsys.readouterr()
        return Answer(int(end.value.code or 0), said.out, said.err)

    return call


@dataclass
class Pretended:
    """A pipeline that only writes down what it was asked, and may fail."""

    calls: list[tuple[str, str | None, RunSettings | None]] = field(default_factory=list)
    error: BaseException | None = None
    signal: int | None = None
    given: dict[str, object] = field(default_factory=dict)

    def run(
        self,
        source: object = None,
        *,
        name: str | None = None,
        settings: RunSettings | None = None,
        listeners: Iterable[Listener] = (),
        root: Path | None = None,
    ) -> Run:
        self.calls.append(("run", name, settings))
        return self._work(create_run(name or "made-up", settings or RunSettings()), listeners)

    def score_checkpoints(
        self,
        checkpoints: Sequence[str],
        source: str,
        *,
        name: str | None = None,
        settings: RunSettings | None = None,
        listeners: Iterable[Listener] = (),
        **more: object,
    ) -> Run:
        self.calls.append(("score", name, settings))
        self.given = {"checkpoints": checkpoints, "source": source, **more}
        return self._work(create_run(name or "made-up", settings or RunSettings()), listeners)

    def resume(
        self,
        name: str,
        *,
        compute: ComputeSettings | None = None,
        listeners: Iterable[Listener] = (),
        root: Path | None = None,
    ) -> Run:
        divided = None if compute is None else RunSettings(compute=compute)
        self.calls.append(("resume", name, divided))
        return self._work(open_run(name), listeners)

    def _work(self, run: Run, listeners: Iterable[Listener]) -> Run:
        progress = Progress(*listeners, interval=0)
        progress.begin("training", 2, "steps")
        progress.message("warning: 3 rows have no [red]label[/red] \x1b[31m")
        if self.error is not None:
            raise self.error
        if self.signal is not None:
            signal.raise_signal(self.signal)
        progress.advance(1, loss=0.5)
        progress.end()
        run.update(
            status="complete", metrics={"test": {"accuracy": 0.9375, "macro_f1": 0.9, "rows": 16.0}}
        )
        return run


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    pretended = Pretended()
    module = ModuleType("influence_core.pipeline")
    module.run, module.resume = pretended.run, pretended.resume
    module.score_checkpoints = pretended.score_checkpoints
    monkeypatch.setitem(sys.modules, "influence_core.pipeline", module)
    monkeypatch.setattr("influence_core.pipeline", module, raising=False)
    return pretended


@pytest.fixture
def probed(small_run: Run) -> Run:
    """A run with features as wide as its encoder's, which a probe learns from."""
    rows = small_run.manifest().dataset.rows
    features = np.random.default_rng(0).normal(size=(rows, 384)).astype(np.float16)
    np.save(small_run.embeddings_file, features)
    return small_run
