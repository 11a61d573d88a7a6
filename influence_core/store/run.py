"""The run folder: its names, its paths and its manifest."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from influence_core.access import must_be_writable
from influence_core.config import BUILTIN_SOURCE, BUNDLED_ENCODER, CustomScore, RunSettings
from influence_core.errors import RunError, RunExists, RunNotFound, rule
from influence_core.store.names import named, placed
from influence_core.store.workplace import WorkManifest, Workplace, new_version, now

if TYPE_CHECKING:
    import pandas as pd

RUNS_VARIABLE = "INFLUENCE_RUNS"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Finding(BaseModel):
    """One line of the validation report: what, how many rows, the first of them, the remedy."""

    model_config = ConfigDict(frozen=True)

    level: Literal["error", "warning", "info"]
    check: str
    message: str
    count: int = 0
    rows: tuple[int, ...] = ()


class DatasetSummary(BaseModel):
    """What `examples.parquet` holds. `class_counts` counts training rows by label.

    `group` is the column whose rows of one value stay together.
    """

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    source: str
    rows: int
    rejected: int
    splits: dict[str, int]
    label_names: tuple[str, ...]
    class_counts: dict[str, int]
    columns: dict[str, str]
    pairs: bool
    group: str | None = None
    findings: tuple[Finding, ...] = ()


class Stage(BaseModel):
    """A finished stage: when, and how many seconds it took in the process that finished it."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    finished: str
    peak_memory_mb: float | None = None


class Manifest(WorkManifest):
    """The contents of `run.json`.

    `metrics` maps a split to its figures (accuracy, macro_f1, rows). `scores` are keys of the
    registry or of `custom_scores`.
    """

    settings: RunSettings
    dataset: DatasetSummary | None = None
    scores: tuple[str, ...] = ()
    custom_scores: tuple[CustomScore, ...] = ()
    metrics: dict[str, dict[str, float]] = Field(default_factory=dict)
    stages: dict[str, Stage] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run(Workplace[Manifest]):
    """A handle on one run folder."""

    @property
    def manifest_file(self) -> Path:
        """`run.json`."""
        return self.path / "run.json"

    @property
    def manifest_type(self) -> type[Manifest]:
        """What `run.json` holds."""
        return Manifest

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"Run {self.name!r}"

    @property
    def root(self) -> Path:
        """The folder of runs that it lies in."""
        return self.path.parent

    @property
    def address(self) -> tuple[str, ...]:
        """Arguments by which a worker finds it."""
        return (self.name, "--root", str(self.root))

    @property
    def examples_file(self) -> Path:
        """`examples.parquet`: id, text, text_pair, label, split, then the other input columns."""
        return self.path / "examples.parquet"

    @property
    def rejected_file(self) -> Path:
        """`rejected.jsonl`: input rows left out, each with the reason."""
        return self.path / "rejected.jsonl"

    @property
    def dynamics_folder(self) -> Path:
        """`dynamics/`: one Parquet file a snapshot; rows are the training rows in order."""
        return self.path / "dynamics"

    @property
    def minibatches_folder(self) -> Path:
        """`minibatches/`: one Parquet file an epoch, of rows as the model learnt from them."""
        return self.path / "minibatches"

    @property
    def model_folder(self) -> Path:
        """`model/`: the final classifier with its tokenizer."""
        return self.path / "model"

    @property
    def checkpoints_folder(self) -> Path:
        """`checkpoints/`: weights only, safetensors."""
        return self.path / "checkpoints"

    @property
    def heads_folder(self) -> Path:
        """`heads/`: the weights of the head at every checkpoint."""
        return self.path / "heads"

    @property
    def traces_folder(self) -> Path:
        """`traces/`: one file a shard of rows."""
        return self.path / "traces"

    @property
    def activations_folder(self) -> Path:
        """`activations/`: what the head's last layer was given at every checkpoint, float16."""
        return self.path / "activations"

    @property
    def replicates_folder(self) -> Path:
        """`replicates/`: the scores of every seed, where there is more than one."""
        return self.path / "replicates"

    @property
    def scores_file(self) -> Path:
        """`scores.parquet`: row, id, and the columns of every score, training rows only."""
        return self.path / "scores.parquet"

    @property
    def predictions_file(self) -> Path:
        """`predictions.parquet`: what the final model says of every row."""
        return self.path / "predictions.parquet"

    @property
    def embeddings_file(self) -> Path:
        """`embeddings.npy`: pooled features, float16, one row an example."""
        return self.path / "embeddings.npy"

    @property
    def noise_file(self) -> Path:
        """`noise.parquet`: how suspicious the label of every training row is."""
        return self.path / "noise.parquet"

    @property
    def review_file(self) -> Path:
        """`review.sqlite`: what people decided about labels, append-only."""
        return self.path / "review.sqlite"

    @property
    def map_file(self) -> Path:
        """`map.parquet`: two coordinates for examples."""
        return self.path / "map.parquet"

    @property
    def selections_folder(self) -> Path:
        """`selections/`: named subsets."""
        return self.path / "selections"

    def scores(self, columns: list[str] | None = None) -> pd.DataFrame:
        """Read the scores of the training rows into a frame, all columns or those named."""
        return self._frame(self.scores_file, columns)

    def examples(self, columns: list[str] | None = None) -> pd.DataFrame:
        """Read the examples into a frame, all columns or those named."""
        return self._frame(self.examples_file, columns)

    def _frame(self, path: Path, columns: list[str] | None) -> pd.DataFrame:
        import pandas as pd

        if not path.exists():
            raise RunError(
                f"{path.name!r} of run {self.name!r} is not there yet; "
                f"its status is {self.manifest().status!r}."
            )
        return pd.read_parquet(path, columns=columns)


def runs_root() -> Path:
    """Return the folder of runs: `INFLUENCE_RUNS`, or `./runs`."""
    return placed(os.environ.get(RUNS_VARIABLE) or "runs").resolve()


def validate_name(name: str) -> str:
    """Return `name` if a run may be called so.

    Raises:
        RunError: it may not.
    """
    if not _NAME.fullmatch(name):
        shown = name if len(name) <= 80 else name[:77] + "..."
        raise RunError(
            rule(
                "name",
                "be 1 to 64 letters, digits, '.', '_' or '-', and start with a letter or digit",
                shown,
            )
        )
    return name


def create_run(name: str, settings: RunSettings, root: Path | None = None) -> Run:
    """Make the folder of a new run with its manifest.

    A failed run of that name that never finished a stage holds nothing and is replaced.

    Raises:
        RunExists: there is a run of that name.
        RunError: the name is not allowed.
        ReadOnly: nothing may be written.
    """
    must_be_writable(f"start run {name!r}")
    run = Run((root or runs_root()) / validate_name(name))
    run.path.mkdir(parents=True, exist_ok=True)
    with run.lock():
        if run.manifest_file.exists() and not _failed_empty(run.manifest()):
            raise RunExists(
                f"There is a run named {name!r} already; choose another name, or resume it."
            )
        run.empty()
        run.write(
            Manifest(
                name=name,
                created=now(),
                settings=anchored(settings),
                content_version=new_version(),
            )
        )
    return run


def _failed_empty(manifest: Manifest) -> bool:
    return manifest.status == "failed" and not manifest.stages


def anchored(settings: RunSettings) -> RunSettings:
    """Make paths of files absolute, so that the run can be resumed from any folder."""
    source = ",".join(map(_absolute, named(settings.data.source)))
    encoder, imported = _absolute(settings.model.encoder), settings.imported
    if imported is not None:
        imported = imported.model_copy(update={"path": _absolute(imported.path)})
    return settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"source": source}),
            "model": settings.model.model_copy(update={"encoder": encoder}),
            "imported": imported,
        }
    )


def _absolute(name: str) -> str:
    path = placed(name.strip())
    if name in (BUILTIN_SOURCE, BUNDLED_ENCODER) or not os.path.exists(path):
        return name
    return os.path.abspath(path)


def open_run(name: str, root: Path | None = None) -> Run:
    """Open an existing run by name.

    Raises:
        RunNotFound: there is none of that name.
    """
    run = Run((root or runs_root()) / validate_name(name))
    if not run.manifest_file.exists():
        raise RunNotFound(
            f"There is no run named {name!r} in {run.path.parent}; `influence runs` lists them."
        )
    return run


def list_runs(root: Path | None = None) -> list[Run]:
    """Return the runs under the root, newest first."""
    folder = root or runs_root()
    if not folder.is_dir():
        return []
    runs = [
        Run(path)
        for path in folder.iterdir()
        if _NAME.fullmatch(path.name) and (path / "run.json").is_file()
    ]
    return sorted(runs, key=lambda run: (-run.manifest_file.stat().st_mtime, run.name))
