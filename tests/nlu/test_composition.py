"""What domains are made of, against what was worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.nlu import paper
from influence_core.nlu.composition import ENTROPIES, VOG, composition
from influence_core.nlu.figures import StackFindings
from influence_core.store.run import Run
from tests.nlu.composed import ALONE, compose
from tests.nlu.pretended import pretend, with_intents, with_sources


@pytest.fixture
def run(small_run: Run) -> Run:
    return compose(small_run)


@pytest.fixture
def names(run: Run) -> tuple[str, ...]:
    return run.manifest().dataset.label_names


def test_rows_sources_and_models_by_hand(run: Run, names: tuple[str, ...]) -> None:
    """Of equal domains the first by name comes first, and one without training rows last."""
    found = composition(StackFindings(pretend(run, ALONE))).set_index("domain")
    assert found.index.tolist() == [*sorted(names[:2]), *sorted(names[2:4]), *names[4:]]
    told = found.loc[list(names)]
    assert told["rows"].tolist() == [8, 8, 5, 5, 4, 0]
    assert told["share"].tolist() == [8 / 30, 8 / 30, 5 / 30, 5 / 30, 4 / 30, 0]
    assert told["intents"].tolist() == [2, 2, 1, 1, 4, 0]
    assert told["models"].tolist() == [
        "intents and slots",
        "no slots",
        "one intent",
        "one intent, no slots",
        "too few rows",
        "too few rows",
    ]
    human = {"human": 1.0, "synthetic": 0.0}
    assert told["sources"].tolist() == [{"human": 0.75, "synthetic": 0.25}, *[human] * 4, {}]


def test_entropies_by_hand(run: Run, names: tuple[str, ...]) -> None:
    """Half of the first domain's rows are of an intent with four values, 2 bits."""
    found = composition(StackFindings(pretend(run, ALONE))).set_index("domain")
    six_of_eight = -0.75 * np.log2(0.75) - 0.25 * np.log2(0.25)
    told = found.loc[list(names), list(ENTROPIES)].to_numpy().T
    expected = [[1, six_of_eight, 0, 0, 2, np.nan], [1, 0, 0, 0, 0, np.nan]]
    assert told == pytest.approx(np.array(expected), nan_ok=True)


def test_vog_by_hand(run: Run, names: tuple[str, ...]) -> None:
    """Rows count from 0; those without VoG are left out, and domains without have none."""
    found = composition(StackFindings(pretend(run, ALONE))).set_index("domain")
    told = found.loc[list(names), list(VOG)].to_numpy()
    of_eight = [2.5, 3.5, 3.5, np.sqrt(63 / 12)]
    of_five, of_four = [1, 2, 2, np.sqrt(2)], [0.5, 1.5, 1.5, np.sqrt(5 / 4)]
    nothing = [np.nan] * 4
    expected = [of_eight, of_eight, of_five, of_four, nothing, nothing]
    assert told == pytest.approx(np.array(expected), nan_ok=True)


def test_data_without_sources_and_vog_have_neither(small_run: Run) -> None:
    run = with_sources(with_intents(small_run), None)
    run.update(scores=())
    run.scores_file.unlink()
    found = composition(StackFindings(pretend(run, ALONE)))
    assert found["sources"].tolist() == [{}] * 6
    assert found[list(VOG)].isna().all(axis=None)
    assert found["rows"].sum() > 0


def test_the_paper_s_figures_have_the_columns_of_these(run: Run) -> None:
    found = composition(StackFindings(pretend(run, ALONE)))
    printed = paper.composition()
    assert set(printed.columns) - {"synthetic"} <= set(found.columns)
    health = printed.set_index("domain").loc["Health & Fitness"].tolist()
    assert health == ["<1%", "96%", 2.3, 6.1, -0.22, 1.17, 1.52, 1.63]
