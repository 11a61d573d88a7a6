"""Which training rows made the model say this: proponents and opponents of a row or a text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import joblib
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from influence_core.errors import ConfigError, DataError, rule
from influence_core.scores.pairwise.activations import Checkpoint, open_checkpoints
from influence_core.scores.pairwise.kernel import error, extremes, influence
from influence_core.scores.pairwise.question import Question, of_row, of_text
from influence_core.store.rows import texts
from influence_core.store.run import Run
from influence_core.store.state import dataset_of
from influence_core.training.outlook import Examples, read_examples


@dataclass(frozen=True)
class Influence:
    """A training row and how far training on it moved the query: Σ lr · gᵢ · g_q, in nats."""

    row: int
    id: str
    text: str
    text_pair: str | None
    label: str
    value: float


@dataclass(frozen=True)
class Influences:
    """The training rows that spoke most for and against a label of a query.

    `predicted` is what the last checkpoint says of the query, with `confidence`, which the final
    model may contradict where it is another one; `label` is the label that the rows spoke for or
    against. `row` and `id` are None for a typed text. The sum goes over `checkpoints` of the `kept`
    ones: over the last alone where what the encoder made of the query earlier is not known.
    """

    row: int | None
    id: str | None
    text: str
    text_pair: str | None
    label: str
    predicted: str
    confidence: float
    checkpoints: int
    kept: int
    proponents: tuple[Influence, ...]
    opponents: tuple[Influence, ...]


def explain(
    run: Run,
    *,
    row: int | str | None = None,
    text: str | None = None,
    text_pair: str | None = None,
    label: str | None = None,
    count: int = 10,
) -> Influences:
    """Find the training rows that made the model say what it says of a row, or of a typed text.

    influence(i, q) = Σ over checkpoints of lr · (δᵢ · δ_q)(1 + hᵢ · h_q): TracIn between two
    examples at the head's last layer, exact with its bias, where h is the layer's input and
    δ = softmax(logits) − onehot(label). Above 0, training on row i lowered the query's loss: a
    proponent. Below 0, it raised it: an opponent. A query that is a training row is left out of its
    own answer; its influence on itself is the TracIn score at the head.

    Cost: the stored inputs are read once, 2 bytes a training row, checkpoint and unit of the head's
    last hidden layer (128 MB for 100,000 rows, 10 checkpoints and 64 units), and take one small
    matrix product. Training rows need no model, nor does any row of a probe. A typed text goes
    through the final encoder, or through that of every checkpoint if a fine-tuning kept them. So do
    rows outside training whose inputs were not kept, if a fine-tuning kept its checkpoints or the
    classifier is somebody's own.

    A probe's encoder is frozen, so that every query is exact. After fine-tuning, a query that is no
    training row sums the last checkpoint alone, unless the run kept its checkpoints
    (`keep_checkpoints`) or the inputs of held-out rows (`keep_activations="all"`). Of runs over
    somebody's own classifier, the head is its last linear layer, with the bias that it has.

    Args:
        run: a finished run that kept its activations.
        row: a row of the examples, by its id, or by its number as an int.
        text: a text instead, which no run need hold.
        text_pair: its second text, where the examples are pairs.
        label: whose proponents and opponents are sought; the row's own label by default, and the
            predicted one for a typed text.
        count: most rows to return of each side.

    Returns:
        The rows of each side, most influential first, ties by id.

    Raises:
        ConfigError: not exactly one of `row` and `text` is given, or `count` is below 1.
        DataError: there is no such row or label, or the text cannot be read.
        RunError: the run kept no activations.

    Source: Pruthi et al.: Estimating Training Data Influence by Tracing Gradient Descent. NeurIPS
    2020. arXiv:2002.08484
    """
    _check(row, text, count)
    kept = open_checkpoints(run)
    names = dataset_of(run).label_names
    examples = read_examples(run, names)
    if row is not None:
        question = of_row(run, kept, examples, row)
    else:
        question = of_text(run, kept, str(text), text_pair)
    likeliest, confidence = _predicted(kept[-1], question)
    predicted = names[likeliest]
    sought = next(one for one in (label, question.label, predicted) if one is not None)
    values = _values(run, kept, examples, question, _index(names, sought))
    rows = examples.train_rows
    ids = examples.ids[rows]
    return Influences(
        row=question.row,
        id=question.id,
        text=question.text,
        text_pair=question.text_pair,
        label=sought,
        predicted=predicted,
        confidence=confidence,
        checkpoints=len(question.given),
        kept=len(kept),
        proponents=_named(run, rows, values, extremes(values, ids, count)),
        opponents=_named(run, rows, values, extremes(-values, ids, count)),
    )


def _check(row: int | str | None, text: str | None, count: int) -> None:
    if (row is None) == (text is None):
        raise ConfigError(rule("row", "be given, or 'text', and not both", row))
    if count < 1:
        raise ConfigError(rule("count", "be at least 1", count))


def _index(names: tuple[str, ...], label: str) -> int:
    if label not in names:
        shown = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
        raise DataError(rule("label", f"be one of {shown}", label))
    return names.index(label)


def _predicted(last: Checkpoint, question: Question) -> tuple[int, float]:
    """Return the likeliest class of a query, and its probability."""
    logits = last.head.logits(question.given[last.step][None, :])[0].astype(np.float64)
    likeliest = int(logits.argmax())
    return likeliest, float(1 / np.exp(logits - logits[likeliest]).sum())


def _values(
    run: Run, kept: list[Checkpoint], examples: Examples, question: Question, label: int
) -> npt.NDArray[np.float64]:
    """Return the influence of every training row; that of the question on itself is left out."""
    rows = examples.train_rows
    labels, rate = examples.labels[rows], run.manifest().settings.training.head_lr
    known = [one for one in kept if one.step in question.given]

    def at(checkpoint: Checkpoint) -> npt.NDArray[np.float64]:
        head, given = checkpoint.head, question.given[checkpoint.step]
        return influence(head, checkpoint.inputs, labels, given, error(head, given, label))

    values = np.zeros(len(rows))
    # One core a checkpoint: these matrix products are too small to be shared out among cores.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(joblib.cpu_count()) as threads:
        for found in threads.map(at, known):
            values += rate * found
    if question.row is not None:
        values[rows == question.row] = 0.0
    return values


def _named(
    run: Run,
    rows: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
    places: list[int],
) -> tuple[Influence, ...]:
    found = texts(run, rows[places].tolist())
    return tuple(
        Influence(*text, value=float(values[place]))
        for text, place in zip(found, places, strict=True)
    )
