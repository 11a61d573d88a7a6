"""The queue of suspects: which rows, in which order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from influence_core.noise.table import find_noise, suspected
from influence_core.store.files import write_parquet
from influence_core.store.review import Decision, Reviews
from influence_core.store.run import Run
from tests.factory import read
from tests.noise.blobs import give_features
from ui.suspects import Suspects, Wanted


@pytest.fixture
def suspects(small_run: Run) -> Suspects:
    find_noise(small_run)
    return Suspects(small_run)


def ids(suspects: Suspects, wanted: Wanted, standing: dict[str, Decision]) -> list[str]:
    return [suspects.suspect(place).id for place in suspects.queue(wanted, standing)]


def test_open_rows_come_by_consensus(small_run: Run, suspects: Suspects) -> None:
    table = suspects.report.table
    assert ids(suspects, Wanted(), {}) == table["id"].tolist()
    second = table.iloc[1]
    reviews = Reviews(small_run)
    reviews.decide({second["id"]: second["label"]}, "skip", "Ada")
    left = table["id"].drop(1).tolist()
    assert ids(suspects, Wanted(), reviews.standing()) == left


def test_the_rows_in_view_and_the_least_suspicion_of_a_detector(suspects: Suspects) -> None:
    table = suspects.report.table
    view = np.sort(table["row"].to_numpy()[::3])
    fits = table[table["row"].isin(view) & (table["suspicion_aum"] >= 0.5)]
    ordered = fits.sort_values("suspicion_aum", ascending=False, kind="stable")
    found = suspects.queue(Wanted(judge="aum", least=0.5), {}, view)
    assert 0 < len(found) < len(view) < len(table)
    assert table["id"].iloc[found].tolist() == ordered["id"].tolist()


def test_rows_without_a_suspicion_come_last_and_never_fit(suspects: Suspects) -> None:
    table = suspects.report.table
    table.loc[0, "suspicion_aum"] = np.nan
    assert ids(suspects, Wanted(judge="aum"), {})[-1] == table["id"].iloc[0]
    assert table["id"].iloc[0] not in ids(suspects, Wanted(judge="aum", least=0.01), {})


def test_decided_and_skipped_rows_come_newest_first(small_run: Run, suspects: Suspects) -> None:
    reviews, rows = Reviews(small_run), suspects.report.table.iloc[:4]
    for action, row in zip(("keep", "skip", "drop", "skip"), _records(rows), strict=True):
        reviews.decide({row["id"]: row["label"]}, action, "Ada")
    standing, known = reviews.standing(), rows["id"].tolist()
    assert ids(suspects, Wanted(rows="decided"), standing) == [known[2], known[0]]
    assert ids(suspects, Wanted(rows="skipped"), standing) == [known[3], known[1]]


def test_what_an_earlier_review_kept_comes_on_request_only(small_run: Run) -> None:
    examples = read(small_run.examples_file)
    said = pa.array(["keep", "relabel", "skip", None] * (len(examples) // 4))
    write_parquet(small_run.examples_file, examples.append_column("review_action", said))
    find_noise(small_run)
    suspects, kept = Suspects(small_run), set(examples["id"].to_pylist()[::4])
    everyone = suspects.report.table["id"].tolist()
    before = [one for one in everyone if one in kept]
    assert 0 < len(before) < len(everyone)
    assert ids(suspects, Wanted(), {}) == [one for one in everyone if one not in kept]
    assert ids(suspects, Wanted(kept=True), {}) == everyone
    assert [one for one in everyone if suspects.kept_before(suspects.place(one))] == before
    first = suspects.suspect(suspects.place(before[0]))
    reviews = Reviews(small_run)
    reviews.decide({first.id: first.label}, "drop", "Ada")
    assert ids(suspects, Wanted(rows="decided"), reviews.standing()) == [first.id]


def test_as_many_are_likely_wrong_as_are_estimated(small_run: Run) -> None:
    give_features(small_run)
    find_noise(small_run)
    found = Suspects(small_run)
    assert found.likely == suspected(small_run) > 0
    found.facts = found.facts.model_copy(update={"wrong": None})
    assert found.likely == 0


def test_a_row_without_a_suggestion_has_none(suspects: Suspects) -> None:
    suspects.report.table.loc[0, ["suggested", "confidence"]] = [None, np.nan]
    one = suspects.suspect(0)
    assert (one.suggested, one.confidence) == (None, 0.0)
    assert suspects.place(one.id) == 0
    assert suspects.place("nobody") is None


def _records(rows: pd.DataFrame) -> list[dict[str, str]]:
    return rows[["id", "label"]].to_dict("records")
