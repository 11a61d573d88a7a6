"""What a run knows of its training rows that may tell a wrong label."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from influence_core.errors import ModelError
from influence_core.noise.held_out import Judgement, discriminant, neighbours
from influence_core.noise.share import Calibration, calibrate
from influence_core.progress import Progress, silent
from influence_core.scores.normalise import id_order
from influence_core.scores.registry import spec
from influence_core.store.run import Run
from influence_core.store.state import dataset_of
from influence_core.training.outlook import Examples, read_examples
from influence_core.training.untuned import untuned_features

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float32]

FOLDS = 10
"""Folds of the discriminant: its fit has a closed form, so that many of them cost little."""

_JUDGED = ("discriminant", "neighbours", "calibration")
"""What depends on the rows that are trusted."""


@dataclass(frozen=True)
class Predictions:
    """Predicted classes (examples,), −1 where nothing was predicted, and their probabilities."""

    classes: Integers
    confidence: Floats


@dataclass(frozen=True)
class Evidence:
    """Reads the artefacts of a run when they are asked for. Arrays run over training rows (n,).

    `seed` deals the folds, and draws the neighbours among very many rows. The judges of features
    learn from `trusted` rows (n,) alone, from all of them by default. `progress` follows the pass
    that features of a fine-tuned run take once.
    """

    run: Run
    seed: int = 0
    trusted: Flags | None = None
    progress: Progress = field(default_factory=silent, compare=False)

    def trusting(self, trusted: Flags) -> Evidence:
        """Return the same with other rows to learn from; what was read is not read again."""
        other = replace(self, trusted=trusted)
        read = {name: value for name, value in vars(self).items() if name not in _JUDGED}
        vars(other).update({**read, "trusted": trusted})
        return other

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their indices."""
        return dataset_of(self.run).label_names

    @cached_property
    def examples(self) -> Examples:
        """Ids, labels and splits of all rows."""
        return read_examples(self.run, self.label_names)

    @cached_property
    def rows(self) -> Integers:
        """Positions of the training rows in the examples, ascending."""
        return self.examples.train_rows

    @property
    def labels(self) -> Integers:
        """Class indices as the data gives them."""
        return self.examples.labels[self.rows]

    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """Ids of the rows."""
        return self.examples.ids[self.rows]

    @cached_property
    def by_id(self) -> Integers:
        """The positions that put the ids in their order."""
        return id_order(self.ids)

    @cached_property
    def units(self) -> Integers:
        """A number for each row; rows of one number are one text, or one group."""
        from influence_core.store.units import read_units

        return read_units(self.run, dataset_of(self.run).group)

    def score(self, key: str) -> Floats | None:
        """Return a score: from `scores.parquet`, or else from the dynamics; None without either."""
        if key in self.run.manifest().scores:
            table = self.run.scores(["row", key]).set_index("row")
            return table[key].reindex(self.rows).to_numpy(np.float64)
        if spec(key).needs != "dynamics" or not any(self.run.dynamics_folder.glob("*.parquet")):
            return None
        from influence_core.scores.table import computed

        plain = {"pvi_null": "prior", "pvi_out_of_fold": False}
        settings = self.run.manifest().settings.scoring.model_copy(update=plain)
        return computed(self.run, self.rows, self.labels, [key], settings)[0][key]

    @cached_property
    def features(self) -> Matrix | None:
        """Pooled features (n, D) of the run's encoder before it saw a label, if it has one.

        Those of a fine-tuned run take a forward pass over all examples once, and are kept.
        """
        try:
            stored = untuned_features(self.run, self.progress)
        except ModelError as error:
            self.progress.message(str(error))
            return None
        return None if stored is None else stored[self.rows].astype(np.float32)

    @cached_property
    def discriminant(self) -> Judgement | None:
        """What a linear discriminant says that did not learn from the row."""
        if self.features is None:
            return None
        from influence_core.training.folds import deal_folds

        generator = np.random.default_rng(self.seed)
        fold = deal_folds(self.labels, self.units, FOLDS, generator)
        classes = len(self.label_names)
        return discriminant(self.features, self.labels, fold, classes, self.trusted)

    @cached_property
    def neighbours(self) -> Judgement | None:
        """What the nearest rows say."""
        if self.features is None:
            return None
        generator = np.random.default_rng(self.seed)
        return neighbours(
            self.features,
            self.labels,
            self.units,
            len(self.label_names),
            generator,
            self.trusted,
        )

    @cached_property
    def out_of_fold(self) -> Matrix | None:
        """Class probabilities (n, classes) of the run's own held-out heads, if it has them."""
        from influence_core.training.folds import out_of_fold_folder, read_out_of_fold

        if not out_of_fold_folder(self.run).is_dir():
            return None
        return read_out_of_fold(self.run).probabilities

    @property
    def held_out(self) -> Matrix | None:
        """Class probabilities (n, classes) of models that did not learn from the row, if any."""
        return self.discriminant.probabilities if self.discriminant else self.out_of_fold

    @cached_property
    def calibration(self) -> Calibration | None:
        """How the held-out probabilities are made to fit the labels, if there are any."""
        held_out = self.held_out
        return None if held_out is None else calibrate(held_out, self.labels)

    @cached_property
    def predicted(self) -> Predictions | None:
        """What the final model says of all rows (examples,): it learnt from the training rows."""
        if not self.run.predictions_file.exists():
            return None
        table = pq.read_table(self.run.predictions_file, columns=["row", "predicted", "confidence"])
        names = pa.array(self.label_names, pa.string())
        said = pc.fill_null(pc.index_in(table["predicted"], value_set=names), -1)
        examples, rows = len(self.examples.labels), table["row"].to_numpy()
        classes, confidence = np.full(examples, -1), np.zeros(examples)
        classes[rows] = said.to_numpy()
        confidence[rows] = table["confidence"].to_numpy()
        return Predictions(classes, confidence)
