"""`noise.parquet`: every training row by how suspicious its label is, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from influence_core.errors import RunError, ScoreError
from influence_core.noise.consensus import consensus, unanimous
from influence_core.noise.detectors import DETECTORS, OF_FEATURES, voters
from influence_core.noise.evidence import Evidence
from influence_core.noise.share import WrongShare, wrong_share
from influence_core.noise.suggest import suggestion
from influence_core.progress import Progress, silent
from influence_core.scores.normalise import rank
from influence_core.store.columns import NOISE_FACTS
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from influence_core.store.workplace import new_version

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Floats = npt.NDArray[np.float64]

LOUD = 0.05
"""Share of the rows that a detector flags where it is not known how many labels are wrong."""

MOST = 0.3
"""Most that is left out as flagged by every witness, however many labels seem to be wrong."""


def suspicion_column(detector: str) -> str:
    """Return the name of the column of a detector's suspicion."""
    return f"suspicion_{detector}"


class NoiseFacts(BaseModel):
    """What `noise.parquet` says of itself.

    `detectors` took part; `missing` maps the others to what the run lacks for them. `content` is
    the content version that the run has with this file.
    """

    model_config = ConfigDict(frozen=True)

    detectors: tuple[str, ...]
    missing: dict[str, str]
    wrong: WrongShare | None
    seed: int
    content: str


@dataclass(frozen=True)
class NoiseReport:
    """The rows in the order of suspicion, rank 1 first, and what is known of all of them.

    Columns: row, id, label, `suspicion_<detector>`, consensus, rank, suggested, confidence.
    """

    facts: NoiseFacts
    table: pd.DataFrame

    def why(self, place: int) -> list[tuple[str, float]]:
        """Return which detectors flag the row at a place of the table, the loudest first.

        A detector flags as many rows as labels are estimated to be wrong, its most suspicious.
        """
        told = self.table.iloc[place]
        share = self.facts.wrong.share if self.facts.wrong else LOUD
        said = [(key, float(told[suspicion_column(key)])) for key in self.facts.detectors]
        return sorted((one for one in said if one[1] >= 1 - share), key=lambda one: -one[1])


def noise_file(run: Run) -> Path:
    """Return where the suspicion of a run's labels lies: `noise.parquet`."""
    return run.noise_file


def find_noise(run: Run, seed: int = 0, progress: Progress | None = None) -> NoiseReport:
    """Return how suspicious every training label is; computed unless that was done before.

    Raises:
        ScoreError: the run has nothing that tells wrong labels.
        RunBusy: another process works on the run.
    """
    if noise_file(run).exists():
        found = read_noise(run)
        if (found.facts.content, found.facts.seed) == (run.manifest().content_version, seed):
            return found
    return write_noise(run, seed, progress)


def write_noise(run: Run, seed: int = 0, progress: Progress | None = None) -> NoiseReport:
    """Let all detectors that the run has artefacts for look at it, and write `noise.parquet`.

    Features are judged twice: what every witness flags at first is no longer learnt from the second
    time. `seed` deals the folds.

    Cost: for features, twice a discriminant of ten folds and a search for neighbours; for those of
    a fine-tuned run the first time a forward pass over all examples, which `progress` follows.
    """
    with run.lock():
        evidence = Evidence(run, seed, progress=progress or silent())
        suspicions = _read(evidence)
        missing = {key: DETECTORS[key].needs for key in DETECTORS if key not in suspicions}
        if not suspicions:
            raise ScoreError(
                f"Run {run.name!r} has nothing that tells wrong labels: it needs {_FEWEST}."
            )
        wrong = _wrong(evidence)
        if wrong is not None and evidence.features is not None:
            flagged = unanimous(suspicions, voters(suspicions), min(wrong.share, MOST))
            evidence = evidence.trusting(~flagged)
            suspicions |= _read(evidence, OF_FEATURES)
        facts = NoiseFacts(
            detectors=tuple(suspicions),
            missing=missing,
            wrong=wrong,
            seed=seed,
            content=new_version(),
        )
        write_parquet(noise_file(run), _table(evidence, suspicions, facts))
        # Last: whoever asks of a version before its file is there remembers that there is none.
        run.update(content_version=facts.content)
    return read_noise(run)


def read_facts(run: Run) -> NoiseFacts | None:
    """Return what the report says of itself, without its rows; None where the run has changed."""
    import pyarrow.parquet as pq

    path = noise_file(run)
    if not path.exists():
        return None
    facts = NoiseFacts.model_validate_json(pq.read_schema(path).metadata[NOISE_FACTS])
    return facts if facts.content == run.manifest().content_version else None


def suspected(run: Run) -> int:
    """Return down to which rank labels look wrong: as many as are estimated to be wrong.

    0 where that was not estimated of the run as it is.
    """
    import pyarrow.parquet as pq

    facts = read_facts(run)
    if facts is None or facts.wrong is None:
        return 0
    rows: int = pq.read_metadata(noise_file(run)).num_rows
    return round(facts.wrong.share * rows)


def read_noise(run: Run) -> NoiseReport:
    """Read what was computed.

    Raises:
        RunError: it was not.
    """
    import pyarrow.parquet as pq

    path = noise_file(run)
    if not path.exists():
        raise RunError(
            f"Run {run.name!r} has no {path.name!r}; `influence noise {run.name}` computes it."
        )
    table = pq.read_table(path)
    facts = NoiseFacts.model_validate_json(table.schema.metadata[NOISE_FACTS])
    return NoiseReport(facts, table.to_pandas())


def _read(evidence: Evidence, keys: Iterable[str] = DETECTORS) -> dict[str, Floats]:
    read = {key: DETECTORS[key].read(evidence) for key in keys}
    return {key: values for key, values in read.items() if values is not None}


_FEWEST = "training dynamics, a suspicious score such as 'aum', or features of its own encoder"


def _wrong(evidence: Evidence) -> WrongShare | None:
    held_out, calibration = evidence.held_out, evidence.calibration
    if held_out is None or calibration is None:
        return None
    return wrong_share(held_out, evidence.labels, calibration)


def _table(evidence: Evidence, suspicions: dict[str, Floats], facts: NoiseFacts) -> pa.Table:
    import pyarrow as pa

    agreed = consensus(suspicions, voters(suspicions))
    place = rank(agreed, evidence.by_id, "high")
    names = pa.array(evidence.label_names, pa.string())
    suggested, confidence = _suggested(evidence)
    columns: dict[str, Any] = {
        "row": evidence.rows,
        "id": pa.array(evidence.ids, pa.string()),
        "label": names.take(pa.array(evidence.labels)),
        **{suspicion_column(key): values for key, values in suspicions.items()},
        "consensus": agreed,
        "rank": place,
        "suggested": names.take(pa.array(suggested, mask=suggested < 0)),
        "confidence": pa.array(confidence, mask=suggested < 0),
    }
    table = pa.table(columns).take(pa.array(np.argsort(place)))
    return table.replace_schema_metadata({NOISE_FACTS: facts.model_dump_json()})


def _suggested(evidence: Evidence) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the suggested class of every row and its probability; −1 where there is none."""
    held_out, calibration = evidence.held_out, evidence.calibration
    if held_out is not None and calibration is not None:
        calibrated = calibration.apply(held_out)
        near = evidence.neighbours
        neighbours = [] if near is None else [near.probabilities.astype(np.float64)]
        return suggestion([calibrated, *neighbours], evidence.labels)
    if evidence.predicted is None:
        return np.full(len(evidence.rows), -1), np.zeros(len(evidence.rows))
    predicted = evidence.predicted.classes[evidence.rows]
    confidence = evidence.predicted.confidence[evidence.rows]
    return np.where(predicted == evidence.labels, -1, predicted), confidence
