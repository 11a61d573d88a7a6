"""Rows of several sources: which of them may go, and what is found by source."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from influence_core.errors import DataError
from influence_core.nlu import by_source
from influence_core.nlu.cells import cells, draw
from influence_core.nlu.experiment import StackExperiment, open_stacks
from influence_core.nlu.figures import WHOLE, StackFindings
from influence_core.nlu.hardness import FIGURES
from influence_core.nlu.material import material_of
from influence_core.nlu.measure import plan_stacks
from influence_core.nlu.metrics import rates
from influence_core.nlu.settings import TECHNIQUES, StackSettings
from influence_core.nlu.slots import Interpretation, Slot
from influence_core.nlu.sources import MOST, source_column
from influence_core.selection.select import SelectionSettings, select
from influence_core.store import tables
from influence_core.store.files import write_parquet
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run
from tests.factory import make_run, read
from tests.nlu.pretended import pretend, with_intents, with_sources

EVERY = StackSettings(fractions=(0.25, 0.6), seeds=2, prune_only="human")

SELECTED = {
    "random": {"strategy": "random"},
    "stratified": {"strategy": "stratified"},
    "vog-class": {"strategy": "linear", "score": "vog", "normalise": "class"},
    "vog-dataset": {"strategy": "linear", "score": "vog", "normalise": "dataset"},
}
"""What techniques are called where rows are selected by hand."""


@pytest.fixture
def run(small_run: Run) -> Run:
    """The small run with intents; its rows are of `human`, `synthetic`, or no source."""
    return with_intents(small_run)


@pytest.fixture
def findings(run: Run) -> StackFindings:
    settings = EVERY.model_copy(update={"techniques": ("random",), "fractions": (0.5,)})
    return StackFindings(pretend(run, settings))


def told(run: Run) -> pd.DataFrame:
    """Return label, split, source and VoG of the training rows by their numbers, read plainly."""
    examples = read(run.examples_file).to_pandas()[["label", "split", "source"]]
    scores = read(run.scores_file).to_pandas().set_index("row")
    return examples.join(scores, how="inner").fillna({"source": "(none)"})


def drawn(run: Run, settings: StackSettings = EVERY) -> dict:
    material = material_of(run, settings, run.private_folder)
    truth = [material.truth[row] for row in material.train_rows]
    return draw(run, settings, truth, material.prunable)


def test_only_rows_of_the_source_go_and_exactly_their_share(run: Run) -> None:
    table = told(run)
    own, others = (table.index[flag] for flag in (table.source == "human", table.source != "human"))
    assert 0 < len(others) < len(own)
    subsets = drawn(run)
    assert {cell.technique for cell in subsets} == {None, *TECHNIQUES}
    for cell, rows in subsets.items():
        assert np.array_equal(rows, np.unique(rows))
        assert set(rows) <= set(table.index)
        assert set(rows) >= set(others)
        assert len(rows) == len(table) - round(cell.fraction * len(own))


def test_the_rows_are_those_that_a_selection_among_the_source_keeps(run: Run) -> None:
    table = told(run)
    own = table.index[table.source == "human"].to_numpy()
    others = set(table.index) - set(own)
    for cell, rows in drawn(run).items():
        if cell.technique in SELECTED:
            wanted = {"fraction": cell.fraction, "seed": cell.seed, **SELECTED[cell.technique]}
            kept = select(run, SelectionSettings(**wanted), among=own).kept
            assert set(rows) == others | set(kept.tolist())


def test_without_a_source_every_training_row_may_go(run: Run) -> None:
    for cell, rows in drawn(run, EVERY.model_copy(update={"prune_only": None})).items():
        if cell.technique in SELECTED:
            wanted = {"fraction": cell.fraction, "seed": cell.seed, **SELECTED[cell.technique]}
            assert np.array_equal(rows, select(run, SelectionSettings(**wanted)).kept)


def test_rows_without_a_source_may_be_the_only_ones_that_go(run: Run) -> None:
    table = told(run)
    named = set(table.index[table.source != "(none)"])
    for rows in drawn(run, EVERY.model_copy(update={"prune_only": "(none)"})).values():
        assert named <= set(rows)


def test_how_varied_an_intent_is_counts_the_rows_of_all_sources(run: Run) -> None:
    """Two intents are said one way by `human`; one of them is said in many ways by others."""
    table = told(run)
    own = (table.source == "human").to_numpy()
    varied = np.arange(len(table)) % 2 == 1
    truth = [
        Interpretation(f"{row:04d}", "home", f"intent {many:d}", _said(row, many and not human))
        for row, (many, human) in enumerate(zip(varied, own, strict=True))
    ]
    settings = EVERY.model_copy(update={"techniques": ("vog-entropy",), "fractions": (0.6,)})
    prunable = table.index[own].to_numpy()
    for cell, rows in draw(run, settings, truth, prunable).items():
        if cell.technique is not None:
            kept = np.isin(table.index, rows)
            assert kept[own & varied].mean() > 2 * kept[own & ~varied].mean()


def _said(row: int, apart: bool) -> tuple[Slot, ...]:
    return (Slot(0, 4, "number"),) if apart else (Slot(0, 1, "number"),)


def test_a_source_that_is_not_there_is_refused_before_a_folder_is_made(run: Run) -> None:
    def plan(**changes: object) -> None:
        plan_stacks(run, EVERY.model_copy(update=changes))

    with pytest.raises(
        DataError,
        match=r"'prune_only' must be a source of training rows \(human, synthetic, \(none\)\); "
        "got 'traffic'",
    ):
        plan(prune_only="traffic")
    with pytest.raises(
        DataError, match=r"'source' must be a column of words.*label.*domain.*; got 'origin'"
    ):
        plan(source="origin")
    with pytest.raises(DataError, match=r"'source' must be a column of words.*; got 'slots'"):
        plan(source="slots")
    assert StackExperiment.of(run) == []


def test_a_source_of_test_rows_alone_is_no_source_of_training_rows(run: Run) -> None:
    splits = read(run.examples_file)["split"].to_pylist()
    with_sources(run, ["live" if split == "test" else "human" for split in splits])
    with pytest.raises(DataError, match=r"training rows \(human\); got 'live'"):
        plan_stacks(run, EVERY.model_copy(update={"prune_only": "live"}))


def test_without_a_column_of_sources_none_can_be_named(run: Run) -> None:
    with_sources(run, None)
    must = r"must be left out where no column 'source' of words, .* is in the data, .*; got 'human'"
    with pytest.raises(DataError, match=must):
        plan_stacks(run, EVERY)
    with_sources(run, [row / 7 for row in range(400)])
    with pytest.raises(DataError, match=must):
        plan_stacks(run, EVERY)
    assert StackExperiment.of(run) == []


def test_sources_may_be_in_another_column_and_numbers(run: Run) -> None:
    with_sources(run, [row % 3 for row in range(400)], "batch")
    settings = EVERY.model_copy(update={"source": "batch", "prune_only": "2"})
    others = {row for row in told(run).index if row % 3 != 2}
    for rows in drawn(run, settings).values():
        assert others <= set(rows)


def test_experiments_from_before_there_were_sources_are_read(run: Run) -> None:
    experiment = StackExperiment.create(run, "old", StackSettings(seeds=1))
    manifest = json.loads(experiment.manifest_file.read_text(encoding="utf-8"))
    for name in ("source", "prune_only"):
        assert manifest["settings"].pop(name) is None
    experiment.manifest_file.write_text(json.dumps(manifest), encoding="utf-8")
    assert open_stacks(run, "old").manifest().settings == StackSettings(seeds=1)
    assert len(open_stacks(run, "old").missing()) == len(cells(StackSettings(seeds=1)))


def test_what_each_source_brings_is_counted(run: Run, findings: StackFindings) -> None:
    table = told(run)
    found = by_source.composition(findings)
    domains = list(dict.fromkeys(found["domain"].dropna()))
    assert found["domain"].isna().tolist() == [True] * 3 + [False] * 3 * len(domains)
    assert found["source"].tolist() == ["human", "synthetic", "(none)"] * (1 + len(domains))
    assert found["rows"].iloc[:3].to_dict() == dict(enumerate(table["source"].value_counts()))
    sizes = table["label"].value_counts()
    assert [sizes[name] for name in domains] == sorted(sizes, reverse=True)
    for line in found.iloc[3:].itertuples():
        own = ((table["label"] == line.domain) & (table["source"] == line.source)).sum()
        assert (line.rows, line.share) == (own, own / sizes[line.domain])


def test_hardness_is_that_of_the_tables_of_a_run(run: Run, findings: StackFindings) -> None:
    """These are grouped and normalised by other code."""
    found = by_source.hardness(findings)
    query = ExampleQuery(splits=("train",))
    parts = [tables.summary(run, "vog", by, query=query) for by in (None, "source")]
    known = pd.concat(parts).set_index(["group", "normalise"])
    found["source"] = found["source"].fillna("all")
    assert found["source"].tolist() == ["all", "human", "synthetic", "(none)"]
    for line in found.itertuples():
        for norm in ("class", "dataset"):
            expected = known.loc[line.source, norm]
            own = [getattr(line, f"{figure}_{norm}") for figure in FIGURES]
            assert line.rows == expected["rows"]
            assert own == pytest.approx(expected[list(FIGURES)].tolist())


def test_rows_without_a_score_are_left_out(run: Run) -> None:
    table = read(run.scores_file).to_pandas()
    sources = told(run)["source"].to_numpy()
    silent = sources == "synthetic"
    silent[np.flatnonzero(sources == "human")[:7]] = True
    for name in ("vog_class_norm", "vog_dataset_norm"):
        table.loc[silent, name] = np.nan
    write_parquet(run.scores_file, pa.Table.from_pandas(table, preserve_index=False))
    found = by_source.hardness(StackFindings(pretend(run, EVERY, stacks=0)))
    assert found["source"].iloc[1:].tolist() == ["human", "(none)"]
    assert found["rows"].iloc[0] == len(table) - silent.sum()
    mean = table["vog_dataset_norm"][~silent].mean()
    assert found["mean_dataset"].iloc[0] == pytest.approx(mean)


def test_errors_are_counted_where_the_test_rows_come_from(run: Run) -> None:
    """Stacks of all rows take every domain of `synthetic` for another, and no other."""
    settings = EVERY.model_copy(update={"techniques": ("random",), "fractions": (0.5,)})
    experiment = pretend(run, settings)
    examples = read(run.examples_file).to_pandas()
    test = examples[examples["split"] == "test"]
    wrong = (test["source"] == "synthetic").tolist()
    for one in list(experiment.outcomes()):
        if one.cell.technique is None:
            pairs = zip(test["label"], wrong, strict=True)
            experiment.keep(replace(one, domains=["?" if out else name for name, out in pairs]))
    found = by_source.whole(StackFindings(experiment))
    assert found["dcer"].iloc[0] == sum(wrong) / len(wrong)
    by_name = found.iloc[1:].set_index("source")["dcer"].to_dict()
    assert by_name == {"human": 0, "synthetic": 1, "(none)": 0}
    assert found["rows"].iloc[0] == found["rows"].iloc[1:].sum() == len(test)


def test_changes_are_those_of_the_rates_on_the_rows_of_a_source(
    run: Run, findings: StackFindings
) -> None:
    examples = read(run.examples_file).to_pandas()
    own = examples[examples["split"] == "test"]["source"].fillna("(none)").to_numpy()
    found = by_source.changes(findings)
    assert found["source"].tolist() == ["human", "synthetic", "(none)"]
    for line in found.to_dict("records"):
        inside = own == line["source"]
        after, before = (
            rates(findings.counts(point)[:, inside].sum(axis=1))["irer"].mean()
            for point in (("random", 0.5), WHOLE)
        )
        assert line["rows"] == inside.sum()
        change = after / before - 1 if before else np.nan
        assert line["irer"] == pytest.approx(change, nan_ok=True)
    assert found["irer"].iloc[:2].notna().all()


def test_changes_are_told_of_the_points_that_are_asked_for_without_sigma(run: Run) -> None:
    settings = EVERY.model_copy(update={"techniques": ("random", "vog-dataset")})
    findings = StackFindings(pretend(run, settings))
    every = by_source.changes(findings)
    assert not [name for name in every if name.endswith("_sigma")]
    assert {"dcer", "dcer_std", "irer", "irer_std"} <= set(every)
    assert len(every) == 2 * 2 * 3
    one = by_source.changes(findings, [("random", 0.6)])
    same = every[(every["technique"] == "random") & (every["fraction"] == 0.6)]
    pd.testing.assert_frame_equal(one, same.reset_index(drop=True))


def test_of_many_sources_the_largest_are_told_apart(run: Run) -> None:
    names = [f"source {min(row % 40, 11):02d}" for row in range(400)]
    findings = StackFindings(pretend(with_sources(run, names), StackSettings(seeds=1), stacks=1))
    for table in (by_source.composition(findings), by_source.hardness(findings)):
        listed = list(dict.fromkeys(table["source"].dropna()))
        assert len(listed) == MOST + 1
        assert (listed[0], listed[-1]) == ("source 11", "(other)")
    assert by_source.composition(findings)["rows"].iloc[: MOST + 1].sum() == len(told(run))


def test_data_without_sources_have_no_tables(run: Run) -> None:
    findings = StackFindings(pretend(with_sources(run, None), StackSettings(seeds=1)))
    assert source_column(run) is None
    for table in (by_source.composition, by_source.hardness, by_source.whole, by_source.changes):
        assert table(findings).empty


def test_a_run_without_vog_has_no_hardness(runs_root: Path) -> None:
    run = with_intents(make_run(runs_root, "other", scores=("pvi",)))
    settings = StackSettings(techniques=("random",), seeds=1)
    assert by_source.hardness(StackFindings(pretend(run, settings))).empty
