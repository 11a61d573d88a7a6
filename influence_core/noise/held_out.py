"""What frozen features say of a label without it: a linear discriminant, and the neighbours."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from influence_core.errors import ScoreError, rule
from influence_core.training.untuned import unit

Features = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SHRINKAGE = 0.1
"""Weight of a round covariance against that of the rows, which few rows leave singular."""

NEIGHBOURS = 30
"""Rows that vote on a label."""

SHARPNESS = 10.0
"""By how much nearer neighbours count for more: a vote weighs exp(10 · cosine similarity)."""

AMONG = 50_000
"""Rows among which neighbours are looked for: time grows with rows times these."""


@dataclass(frozen=True)
class Judgement:
    """What a witness says of every row: class probabilities, and −ln of the label's in nats."""

    probabilities: Matrix
    loss: Floats

    @classmethod
    def of(cls, probabilities: npt.NDArray[np.floating], labels: Integers) -> Judgement:
        """Read the losses off; a probability of 0 counts as the smallest there is, and a row that
        has no probabilities at all has no loss either.
        """
        said = probabilities[np.arange(len(labels)), labels].astype(np.float64)
        loss = -np.log(np.maximum(said, np.finfo(np.float64).tiny))
        known = probabilities.any(axis=1)
        return cls(probabilities.astype(np.float32), np.where(known, loss, np.nan))


def discriminant(
    features: Features,
    labels: Integers,
    fold: Integers,
    classes: int,
    trusted: Flags | None = None,
) -> Judgement:
    """Judge every row by a linear discriminant that did not learn from it.

    Each class is a normal distribution around its own mean; all share one covariance, shrunk
    towards a round one. There is a closed form, and wrong labels spread over the classes move no
    mean far.

    Args:
        features: pooled features (n, D) of an encoder that was not tuned on these labels.
        labels: class indices (n,).
        fold: the fold of each row (n,): its probabilities come from the rows of the others.
        classes: number of classes.
        trusted: rows to learn from (n,); all by default.

    Returns:
        Probabilities (n, classes), 0 for a class that no other fold has.

    Raises:
        ScoreError: there is only one fold.
    """
    folds = np.unique(fold)
    if len(folds) < 2:
        raise ScoreError(rule("fold", "divide the training rows into two or more groups", 1))
    probabilities = np.zeros((len(labels), classes))
    centred = _centred(features)
    for index in folds:
        inside = fold == index
        learnt = ~inside if trusted is None else ~inside & trusted
        known, said = _asked(centred[learnt], labels[learnt], centred[inside])
        probabilities[np.ix_(inside, known)] = said
    return Judgement.of(probabilities, labels)


def _asked(
    features: Features, labels: Integers, about: Features
) -> tuple[Integers, npt.NDArray[np.float64]]:
    """Learn from some rows; return their classes, and the probabilities of these of others.

    Where there is nothing to tell apart, all believe in the one class; where classes have no more
    than a row each, nobody knows anything.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    known = np.unique(labels)
    if len(known) < 2 or len(labels) <= len(known):
        return known, np.full((len(about), len(known)), float(len(known) == 1))
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
    with warnings.catch_warnings():
        # A class of one row has no covariance of its own; it takes part in the common one.
        warnings.filterwarnings("ignore", "Only one sample available")
        model.fit(features, labels)
    return known, model.predict_proba(about)


def neighbours(
    features: Features,
    labels: Integers,
    units: Integers,
    classes: int,
    generator: np.random.Generator,
    trusted: Flags | None = None,
) -> Judgement:
    """Judge every row by the rows that are nearest: the share of each class in their votes.

    Nearest by cosine, in features whose covariance within classes is made round; rows of the same
    unit have no vote. They vote twice: the second time each with the weight that its own label
    won in the first.

    Args:
        features: pooled features (n, D) of an encoder that was not tuned on these labels.
        labels: class indices (n,).
        units: rows of one number are one text, or one group (n,).
        classes: number of classes.
        generator: draws the rows that vote where there are more than 50,000.
        trusted: rows that vote (n,); all by default.

    Returns:
        Shares as probabilities (n, classes), all 0 where nobody votes.
    """
    voters = np.arange(len(labels)) if trusted is None else np.flatnonzero(trusted)
    points = whitened(features, labels, voters)
    near, weight = _nearest(points, voters, units, generator)
    every = np.arange(len(labels))
    first = _votes(labels[near], weight, classes)
    second = _votes(labels[near], weight * first[every, labels][near], classes)
    return Judgement.of(second, labels)


def whitened(features: Features, labels: Integers, rows: Integers) -> Features:
    """Return features (n, D) whose covariance within classes is round, each of length 1.

    `rows` are those whose labels tell the covariance.

    Shrinkage is that of the discriminant, of which this is the geometry.
    """
    from scipy.linalg import cholesky, solve_triangular
    from sklearn.covariance import shrunk_covariance

    centred = _centred(features)
    learnt = centred[rows]
    _, place, counts = np.unique(labels[rows], return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), centred.shape[1]))
    np.add.at(means, place, learnt)
    within = learnt - (means / counts[:, None])[place]
    covariance = shrunk_covariance(within.T @ within / len(within), SHRINKAGE)
    factor = cholesky(covariance, lower=True)
    return unit(solve_triangular(factor, centred.T, lower=True).T)


def _nearest(
    points: Features, voters: Integers, units: Integers, generator: np.random.Generator
) -> tuple[Integers, Matrix]:
    """Return the nearest rows of others (n, k) and the weight of their votes, 0 for the same unit.

    As many are looked up as leave enough when one row of the same unit, its own, is passed over.
    """
    from sklearn.neighbors import NearestNeighbors

    if len(voters) > AMONG:
        voters = np.sort(generator.choice(voters, AMONG, replace=False))
    search = NearestNeighbors(algorithm="brute").fit(points[voters])
    distance, found = search.kneighbors(points, min(NEIGHBOURS + 1, len(voters)))
    near = voters[found]
    similarity = 1 - distance**2 / 2
    weight = np.exp(SHARPNESS * (similarity - 1)) * (units[near] != units[:, None])
    return near, weight.astype(np.float32)


def _votes(labels: Integers, weight: Matrix, classes: int) -> Matrix:
    votes = np.zeros((len(labels), classes), np.float32)
    np.add.at(votes, (np.arange(len(labels))[:, None], labels), weight)
    total = votes.sum(axis=1, keepdims=True)
    shares: Matrix = np.divide(votes, total, out=votes, where=total > 0)
    return shares


def _centred(features: Features) -> Features:
    """Bring features to length 1, then their mean to 0."""
    short = unit(features)
    centred: Features = short - short.mean(axis=0)
    return centred
