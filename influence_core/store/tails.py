"""Head and tail of a score: its hardest and its easiest rows as a table, and as a file."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from pydantic import Field

from influence_core.config import Settings
from influence_core.errors import ConfigError, RunError, rule
from influence_core.store.columns import CORE, catalogue, rank_column, score_column
from influence_core.store.copying import FORMATS, new_copy, writable
from influence_core.store.database import rows
from influence_core.store.export import options
from influence_core.store.files import atomic
from influence_core.store.formats import WRITERS, Format
from influence_core.store.query import ExampleQuery, Normalise, Scan
from influence_core.store.rows import columns_of
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

End = Literal["hardest", "easiest"]

OWN = ("end", "place")
"""Columns that every table of ends begins with."""

MOST_ROWS = 1_000_000
"""Rows of each end, or of each end of a class, that may be asked for."""


class TailSettings(Settings):
    """Which rows of a score are listed: the hardest, the easiest, or both."""

    score: str | None = Field(None, description="Score that orders; the run's first by default.")
    normalise: Normalise = Field(
        "raw", description="The score itself, or its z-score within the class or the dataset."
    )
    end: Literal["both", "hardest", "easiest"] = Field("both", description="End that is listed.")
    number: int = Field(100, ge=1, le=MOST_ROWS, description="Rows of each end.")
    per_class: bool = Field(False, description="List as many rows of each end of every class.")

    @property
    def ends(self) -> tuple[End, ...]:
        """The ends that are listed, the hardest first."""
        return tuple(one for one in get_args(End) if self.end in (one, "both"))


def tails(run: Run, settings: TailSettings) -> pd.DataFrame:
    """Return the rows at the ends of a score.

    The columns are `end`, `place` (1 is the outermost; within its class if `per_class`), row, id,
    text, text_pair, label, split, predicted where the run has predictions, the score as computed
    and normalised, its rank, and the other input columns; one that is named `end` or `place` is
    `<name>_input` here. Rows without the score are in no end.

    Raises:
        RunError: the run has no scores yet, or not this one.
    """
    import pandas as pd

    key = _score(run, settings)
    names = list(dict.fromkeys(_columns(run, key, settings.normalise)))
    parts = []
    for end in settings.ends:
        found = _found(run, key, end, settings)
        part = _renamed(columns_of(run, [row for row, _ in found], names))
        part.insert(0, "end", end)
        part.insert(1, "place", [place for _, place in found])
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _renamed(part: pd.DataFrame) -> pd.DataFrame:
    """Call input columns otherwise whose names `tails` takes, as the catalogue does."""
    taken, new = {*part.columns, *OWN}, {}
    for name in [one for one in OWN if one in part]:
        new[name] = name
        while new[name] in taken:
            new[name] += "_input"
    return part.rename(columns=new)


def write_tails(run: Run, destination: str | Path, settings: TailSettings) -> Path:
    """Write the ends of a score into a new file whose suffix tells the format.

    Raises:
        ConfigError: the file exists, cannot be written, or has another suffix.
        RunError: the run has no scores yet, or not this one.
        ReadOnly: nothing may be written.
    """
    path = new_copy(destination)
    found = tails(run, settings)
    with writable(path), atomic(path) as partial:
        _write(found, partial, FORMATS[path.suffix])
    return path


def tails_command(run: Run, destination: str | Path, settings: TailSettings) -> str:
    """Return the command that writes the same table."""
    return shlex.join(["influence", "tails", run.name, str(destination), *options(settings)])


def tail_bytes(found: pd.DataFrame, format: Format) -> bytes:
    """Return the file of a table of ends."""
    if format not in FORMATS.values():
        raise ConfigError(rule("format", f"be one of {', '.join(FORMATS.values())}", format))
    with tempfile.TemporaryDirectory(prefix="influence-tails-") as folder:
        path = Path(folder) / "tails"
        _write(found, path, format)
        return path.read_bytes()


def _write(found: pd.DataFrame, path: Path, format: Format) -> None:
    import pyarrow as pa

    table = pa.Table.from_pandas(found, preserve_index=False).replace_schema_metadata()
    writer = WRITERS[format](path, table.schema)
    for batch in table.to_batches():
        writer.write(batch)
    writer.close()


def _score(run: Run, settings: TailSettings) -> str:
    known = catalogue(run)
    if settings.score is None and not known.scores:
        raise RunError(f"Run {run.name!r} has no scores yet; resume it.")
    key = settings.score or run.manifest().scores[0]
    known.score(key, settings.normalise)
    return key


def _columns(run: Run, key: str, normalise: Normalise) -> list[str]:
    known = catalogue(run)
    predicted = ["predicted"] if "predicted" in known else []
    scores = [key, score_column(key, normalise), rank_column(key)]
    extra = [column.name for column in known.columns if column.extra]
    return [*CORE, *predicted, *scores, *extra]


def _found(run: Run, key: str, end: End, settings: TailSettings) -> list[tuple[int, int]]:
    """Return the rows of an end with their places, class after class if they are asked for so."""
    query = ExampleQuery(score=key, normalise=settings.normalise, order=end, scored_only=True)
    scan = Scan(run, query)
    scan.use(key)
    value = scan.catalogue.get(key).comparable
    label = scan.use("label") if settings.per_class else "''"
    return rows(
        f"""
        WITH found AS (
            SELECT {scan.row} AS row, {label} AS label,
                row_number() OVER (PARTITION BY {label} ORDER BY {scan.order}) AS place
            FROM {scan.source()} WHERE {value} IS NOT NULL
        )
        SELECT row, place FROM found WHERE place <= {scan.parameters.bind(settings.number)}
        ORDER BY label, place
        """,
        scan.parameters,
    )
