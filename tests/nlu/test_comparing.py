"""Two groups of stacks: which are compared, differences, their intervals and what is certain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from influence_core.comparing.bootstrap import FEWEST_TOLD_APART
from influence_core.errors import ConfigError
from influence_core.nlu.comparing import StackGap, check_points, compare_stacks, written
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.figures import WHOLE, Point, StackFindings
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import make_run, read
from tests.nlu.pretended import SMALL, pretend, with_intents

GOOD, BAD = ("vog-dataset", 0.5), ("random", 0.5)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return with_intents(make_run(tmp_path, rows=600, classes=3))


@pytest.fixture
def experiment(run: Run) -> StackExperiment:
    return pretend(run, SMALL)


def told_apart(
    experiment: StackExperiment, point: Point, wrong: float, rows: np.ndarray | None = None
) -> None:
    """Let the stacks of a point take a share of the intents for another, or those of some rows."""
    truth = StackFindings(experiment).truth
    for one in list(experiment.outcomes()):
        if (one.cell.technique, one.cell.fraction) == point:
            generator = np.random.default_rng([one.cell.seed, round(100 * wrong)])
            out = generator.random(len(truth)) < wrong if rows is None else rows
            intents = [
                "other" if no else meant.intent for no, meant in zip(out, truth, strict=True)
            ]
            right = {"domains": [meant.domain for meant in truth]}
            slots = [meant.slots for meant in truth]
            experiment.keep(replace(one, intents=intents, slots=slots, **right))


def gap_of(
    experiment: StackExperiment, metric: str = "icer", part: str = "all", **asked: object
) -> StackGap:
    findings = StackFindings(experiment)
    gaps = compare_stacks(findings, GOOD, BAD, **{"draws": 400, **asked})  # type: ignore[arg-type]
    return next(one for one in gaps if (one.metric, one.part) == (metric, part))


def test_many_more_errors_are_certain_overall_and_by_domain(experiment: StackExperiment) -> None:
    told_apart(experiment, GOOD, 0.05)
    told_apart(experiment, BAD, 0.8)
    findings = StackFindings(experiment)
    for part in ("all", *findings.material.domain_names):
        one = gap_of(experiment, part=part)
        assert one.verdict == "better"
        assert one.difference.low < one.difference.mean < one.difference.high < 0
        assert one.difference.mean == pytest.approx(one.first - one.second)
    rows = [gap_of(experiment, part=part).rows for part in findings.material.domain_names]
    assert sum(rows) == len(findings.truth)


def test_the_same_stacks_do_not_differ(experiment: StackExperiment) -> None:
    for point in (GOOD, BAD):
        told_apart(experiment, point, 0.3)
    one = gap_of(experiment)
    assert one.verdict == "undecided"
    assert (one.difference.mean, one.difference.low, one.difference.high) == (0, 0, 0)
    assert one.told_apart == 0


def test_a_domain_of_which_few_rows_tell_them_apart_is_not_decided(
    experiment: StackExperiment,
) -> None:
    """By a sign test five rows that all speak for one side may do so by chance."""
    findings = StackFindings(experiment)
    domain = findings.material.domain_names[0]
    inside = np.flatnonzero(np.array(findings.domains) == domain)
    for few in (FEWEST_TOLD_APART - 1, FEWEST_TOLD_APART):
        wrong = np.zeros(len(findings.truth), np.bool_)
        wrong[inside[:few]] = True
        told_apart(experiment, GOOD, 0.0)
        told_apart(experiment, BAD, 1.0, wrong)
        one = gap_of(experiment, part=domain)
        assert one.told_apart == few
        assert one.difference.high < 0
        assert one.verdict == ("better" if few == FEWEST_TOLD_APART else "undecided")


def test_stacks_of_equal_seeds_are_compared(experiment: StackExperiment) -> None:
    told_apart(experiment, GOOD, 0.1)
    told_apart(experiment, BAD, 0.6)
    for cell in experiment.cells():
        if (cell.technique, cell.fraction, cell.seed) in {(*GOOD, 0), (*BAD, 2)}:
            experiment.file_of(cell).unlink()
    found = StackFindings(experiment)
    assert found.paired(GOOD, BAD) == ([0], [1])
    one = gap_of(experiment)
    icer = found.stacks().set_index(["technique", "fraction", "seed"])["icer"]
    assert one.first == pytest.approx(icer[(*GOOD, 1)])
    assert one.second == pytest.approx(icer[(*BAD, 1)])


def test_without_a_common_seed_nothing_is_compared(experiment: StackExperiment) -> None:
    for cell in experiment.cells():
        if (cell.technique, cell.fraction) in (GOOD, BAD) and (cell.seed == 0) == (
            cell.technique == "random"
        ):
            experiment.file_of(cell).unlink()
    with pytest.raises(ConfigError, match="'second' must have a stack of a seed"):
        gap_of(experiment)


def test_rows_that_belong_together_are_drawn_together(run: Run) -> None:
    """Of texts said twenty times each the intervals are as wide as of one row each."""
    table = read(run.examples_file)
    texts = [f"text {row // 20} ".ljust(200, "x") for row in range(len(table))]
    column = table.schema.get_field_index("text")
    alone = pretend(run, SMALL, name="alone")
    told_apart(alone, GOOD, 0.0)
    findings = StackFindings(alone)
    wrong = (np.asarray(findings.material.test_rows) // 20) % 2 == 0
    told_apart(alone, BAD, 1.0, wrong)
    narrow = gap_of(alone).difference
    write_parquet(run.examples_file, table.set_column(column, "text", pa.array(texts)))
    run.update()
    together = pretend(run, SMALL, name="together")
    told_apart(together, GOOD, 0.0)
    told_apart(together, BAD, 1.0, wrong)
    wide = gap_of(together).difference
    assert wide.mean == narrow.mean
    assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)


def test_only_the_domains_that_are_asked_for_are_compared(experiment: StackExperiment) -> None:
    findings = StackFindings(experiment)
    name = findings.material.domain_names[1]
    parts = [one.part for one in compare_stacks(findings, GOOD, BAD, domains=[name], draws=50)]
    assert [part for part in dict.fromkeys(parts) if part != "tail"] == ["all", name]


def test_what_is_not_defined_is_undecided(run: Run) -> None:
    write_parquet(run.examples_file, read(run.examples_file).drop_columns(["slots"]))
    run.update()
    one = gap_of(pretend(run, SMALL), metric="slot_f1")
    assert np.isnan(one.first)
    assert one.verdict == "undecided"


def test_the_interval_over_rows_is_that_of_a_plain_bootstrap(experiment: StackExperiment) -> None:
    for cell in experiment.cells():
        if cell.seed:
            experiment.file_of(cell).unlink()
    told_apart(experiment, GOOD, 0.2)
    told_apart(experiment, BAD, 0.4)
    findings = StackFindings(experiment)
    good, bad = (findings.counts(point)[0, :, 2] for point in (GOOD, BAD))
    generator = np.random.default_rng(7)
    drawn = generator.integers(0, len(good), (4_000, len(good)))
    ends = np.quantile((good[drawn] - bad[drawn]).mean(axis=1), [0.025, 0.975])
    one = gap_of(experiment, draws=4_000)
    assert [one.difference.low, one.difference.high] == pytest.approx(ends, abs=0.03)


def test_a_point_that_is_not_there_is_refused(experiment: StackExperiment) -> None:
    with pytest.raises(ConfigError, match=r"'second' must be a technique .*random@0\.5.*; got '"):
        compare_stacks(StackFindings(experiment), GOOD, ("stratified", 0.5))
    check_points((GOOD, WHOLE), [WHOLE, GOOD])
    assert written(WHOLE) == "full"
