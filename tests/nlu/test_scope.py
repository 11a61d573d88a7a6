"""Requests that find no domain: of domains held out, by threshold, point and domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from influence_core.errors import ConfigError, DataError
from influence_core.nlu import tuned
from influence_core.nlu.cells import Cell
from influence_core.nlu.comparing import compare_stacks
from influence_core.nlu.experiment import StackExperiment, open_stacks
from influence_core.nlu.figures import WHOLE, StackFindings
from influence_core.nlu.material import material_of
from influence_core.nlu.measure import plan_stacks, train_stacks
from influence_core.nlu.scope import held_out, scope, scope_counts, scope_rates, too_low
from influence_core.nlu.settings import StackSettings
from influence_core.progress import Progress
from influence_core.pruning.batched import confident, fresh_heads, train_together
from influence_core.store.run import Run
from influence_core.training.trainer import ClassifierTrainer
from influence_core.training.untuned import untuned_file
from tests.factory import make_run
from tests.nlu.pretended import SMALL, pretend, with_intents
from tests.nlu.sentences import scored

RANDOM, VOG = ("random", 0.5), ("vog-dataset", 0.5)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return scored(tmp_path_factory.mktemp("scope"), "assistant")


@pytest.fixture(scope="module")
def trained(run: Run) -> StackExperiment:
    settings = StackSettings(techniques=(), seeds=2, epochs=25, min_rows=5, out_of_scope=True)
    return train_stacks(run, settings, name="held-out")


def pretended(run: Run, outside: Sequence[float], inside: Sequence[float]) -> StackFindings:
    """Pretend an experiment whose stacks are this sure of rows outside and inside their scope."""
    experiment = pretend(with_intents(run), SMALL)
    for one in list(experiment.outcomes()):
        rows = len(one.confidence)
        sure = (np.resize(np.array(told, np.float32), rows) for told in (outside, inside))
        names = ("outside", "confidence")
        experiment.keep(replace(one, **dict(zip(names, sure, strict=True))))
    return StackFindings(experiment)


def test_rates_are_shares_of_rows() -> None:
    told = scope_rates([[4, 1, 0], [10, 5, 2]])
    assert told["unrecoverable"].tolist() == [0.25, 0.5]
    assert told["rejected"].tolist() == [0.0, 0.2]


def test_a_row_is_turned_away_unless_a_domain_exceeds_the_threshold(tmp_path: Path) -> None:
    found = pretended(make_run(tmp_path, rows=200), [0.5, 0.25, 0.75], [0.125, 0.625])
    rows = len(found.truth)
    counts = scope_counts(found, RANDOM, 0.5)
    assert counts.shape == (3, rows, 3)
    assert counts[0, :6, 1].tolist() == [1, 1, 0, 1, 1, 0]
    assert counts[0, :6, 2].tolist() == [1, 0, 1, 0, 1, 0]
    assert scope_counts(found, RANDOM, 0.0)[..., 1:].sum() == 0
    assert scope_counts(found, RANDOM, 0.9)[..., 1:].all()


def test_figures_are_means_overall_and_by_domain(tmp_path: Path) -> None:
    found = pretended(make_run(tmp_path, rows=200), [0.25, 0.75, 0.75], [0.9])
    experiment = found.experiment
    for one in list(experiment.outcomes()):
        if one.cell.technique == "random" and one.cell.seed == 0:
            assert one.outside is not None
            experiment.keep(replace(one, outside=np.zeros_like(one.outside)))
    table = scope(StackFindings(experiment))
    overall = table[table["domain"].isna()].set_index(["technique", "fraction"], drop=False)
    share = float((np.resize([0.25, 0.75, 0.75], len(found.truth)) <= 0.5).mean())
    assert overall.loc[VOG, "unrecoverable"] == pytest.approx(share)
    assert overall.loc[VOG, "unrecoverable_change"] == 0
    assert overall.loc[RANDOM, "unrecoverable"] == pytest.approx((1 + 2 * share) / 3)
    assert overall.loc[RANDOM, "unrecoverable_change"] == pytest.approx((1 - share) / 3)
    assert (overall["rejected"] == 0).all()
    of_vog = table[(table["technique"] == "vog-dataset") & (table["fraction"] == 0.5)]
    parts = of_vog.dropna(subset=["domain"])
    assert parts["rows"].sum() == len(found.truth)
    weighted = (parts["unrecoverable"] * parts["rows"]).sum() / parts["rows"].sum()
    assert weighted == pytest.approx(share)


def test_what_was_not_held_out_is_not_told(tmp_path: Path) -> None:
    found = StackFindings(pretend(with_intents(make_run(tmp_path, rows=200)), SMALL))
    assert not held_out(found)
    with pytest.raises(DataError, match="held no domain out; begin one with --out-of-scope"):
        scope(found)
    metrics = {one.metric for one in compare_stacks(found, RANDOM, VOG, domains=(), draws=20)}
    assert "unrecoverable" not in metrics


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan")])
def test_a_threshold_is_a_probability_below_one(tmp_path: Path, threshold: float) -> None:
    found = pretended(make_run(tmp_path, rows=200), [0.5], [0.5])
    with pytest.raises(ConfigError, match="'threshold' must be at least 0 and below 1"):
        scope(found, threshold)


def test_a_threshold_that_turns_nothing_away_is_told(tmp_path: Path) -> None:
    """Of five domains that are left one has a probability of at least a fifth."""
    found = pretended(make_run(tmp_path, rows=200), [0.5], [0.5])
    assert len(found.material.domain_names) == 6
    assert "Of the 5 domains that are left one is always as probable as 20%" in too_low(found, 0.2)
    assert too_low(found, 0.21) == ""


def test_stacks_are_compared_by_what_they_turn_away(tmp_path: Path) -> None:
    found = pretended(make_run(tmp_path, rows=200), [0.25, 0.75], [0.9])
    experiment = found.experiment
    for one in list(experiment.outcomes()):
        if one.cell.technique == "random":
            low = np.full(len(one.confidence), 0.1, np.float32)
            experiment.keep(replace(one, outside=low, confidence=low))
    gaps = compare_stacks(StackFindings(experiment), RANDOM, VOG, domains=(), draws=200)
    told = {one.metric: one for one in gaps if one.part == "all"}
    assert told["unrecoverable"].first == 1.0
    assert told["unrecoverable"].second == pytest.approx(0.5, abs=0.02)
    assert told["unrecoverable"].verdict == "better"
    assert told["rejected"].difference.mean == 1.0
    assert told["rejected"].verdict == "worse"
    gaps = compare_stacks(
        StackFindings(experiment), RANDOM, VOG, domains=(), threshold=0.05, draws=50
    )
    told = {one.metric: one for one in gaps if one.part == "all"}
    assert told["unrecoverable"].difference.mean == 0


def test_a_held_out_domain_is_asked_of_a_classifier_that_never_saw_it(
    run: Run, trained: StackExperiment
) -> None:
    """A head that is trained alone, on the rows of the other domains, says the same."""
    material = material_of(run, trained.manifest().settings, trained.private_folder)
    features = torch.from_numpy(np.load(untuned_file(run)))
    outcome = next(one for one in trained.outcomes() if one.cell == Cell(None, 0.0, 1))
    assert outcome.outside is not None
    truth = np.array([one.domain for one in StackFindings(trained).truth])
    for name in material.domain_names:
        others = [other for other in material.domain_names if other != name]
        labels = [others.index(one.domain) if one.domain != name else 0 for one in material.truth]
        rows = [row for row in material.train_rows if material.truth[row].domain != name]
        heads = fresh_heads([1], features.shape[1], len(others), material.model)
        alone = train_together(
            heads,
            features,
            torch.tensor(labels),
            [np.array(rows)],
            [1],
            material.domain_steps,
            material.training,
            Progress(),
        )
        _, sure = confident(alone, features, material.test_rows[truth == name])
        assert outcome.outside[truth == name] == pytest.approx(sure[0], abs=1e-3)


def test_it_is_told_of_every_row_and_read_again(trained: StackExperiment) -> None:
    found = StackFindings(open_stacks(trained.run, "held-out"))
    assert held_out(found)
    for one in found.outcomes(WHOLE):
        assert one.outside is not None
        assert np.all((one.outside >= 0.5) & (one.outside <= 1)), "two domains are left"
    assert scope_counts(found, WHOLE)[..., 2].sum() == pytest.approx(
        sum((one.confidence <= 0.5).sum() for one in found.outcomes(WHOLE))
    )


def test_fine_tuned_stacks_learn_nothing_of_a_held_out_domain(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = []

    class Watched(ClassifierTrainer):
        def __init__(self, model: Any, tokens: Any, rows: Any, labels: Any, *rest: Any) -> None:
            learnt.append((rows, labels[rows]))
            super().__init__(model, tokens, rows, labels, *rest)

    monkeypatch.setattr(tuned, "ClassifierTrainer", Watched)
    settings = StackSettings(
        techniques=(), seeds=1, mode="finetune", epochs=2, min_rows=5, out_of_scope=True
    )
    experiment = train_stacks(run, settings, name="tuned")
    material = material_of(run, settings, experiment.private_folder)
    whole, *others = learnt
    assert np.array_equal(whole[0], material.train_rows)
    for out, (rows, labels) in enumerate(others):
        assert np.array_equal(rows, [row for row in whole[0] if material.domains[row] != out])
        names = [name for at, name in enumerate(material.domain_names) if at != out]
        assert [names[label] for label in labels] == [material.truth[row].domain for row in rows]
    (outcome,) = experiment.outcomes()
    assert outcome.outside is not None
    assert np.all((outcome.outside >= 0.5) & (outcome.outside <= 1))


def test_two_domains_are_too_few_for_one_to_be_held_out(tmp_path: Path) -> None:
    run = with_intents(make_run(tmp_path, rows=200, classes=2))
    with pytest.raises(DataError, match="'out_of_scope' must be off where there are fewer than 3"):
        plan_stacks(run, StackSettings(out_of_scope=True))
    assert not StackExperiment.of(run)
