"""A list full of wrong labels says so: by the noise report, or by what the final model says."""

from __future__ import annotations

import pyarrow as pa
import pytest

from influence_core.noise.table import find_noise, suspected
from influence_core.report.doubted import Doubted, doubted
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read
from tests.noise.blobs import give_features


def test_without_a_noise_report_those_count_that_the_model_contradicts(small_run: Run) -> None:
    rows = small_run.scores(["row"])["row"].tolist()
    said = read(small_run.predictions_file).to_pandas().set_index("row")["correct"]
    expected = int((~said[rows]).sum())
    assert 0 < expected < len(rows)
    assert doubted(small_run, rows) == Doubted(len(rows), expected, judged=False)
    right = [row for row in rows if said[row]]
    assert doubted(small_run, right).doubted == 0


def test_the_noise_report_says_more_than_the_model(small_run: Run) -> None:
    give_features(small_run)
    table, last = find_noise(small_run).table, suspected(small_run)
    assert 0 < last < len(table) - 9
    around = table["row"].iloc[last - 4 : last + 9].tolist()
    assert doubted(small_run, around[::-1]) == Doubted(13, 4, judged=True)


def test_without_predictions_nothing_is_in_doubt(small_run: Run) -> None:
    small_run.predictions_file.unlink()
    assert doubted(small_run, [0, 1, 2]) == Doubted(3, 0, judged=False)


def test_a_row_that_nothing_was_predicted_for_is_not_contradicted(small_run: Run) -> None:
    found = read(small_run.predictions_file)
    none = pa.nulls(len(found), pa.string())
    place = found.column_names.index("predicted")
    write_parquet(small_run.predictions_file, found.set_column(place, "predicted", none))
    assert doubted(small_run, [0, 1, 2]).doubted == 0


@pytest.mark.parametrize(
    ("rows", "wrong", "told"),
    [(25, 12, True), (25, 7, True), (25, 6, False), (5, 3, True), (5, 2, False), (0, 0, False)],
)
def test_few_wrong_labels_are_not_worth_a_word(rows: int, wrong: int, told: bool) -> None:
    assert bool(Doubted(rows, wrong, judged=True).said("easiest", "VoG")) == told


def test_each_end_and_each_judge_has_its_words() -> None:
    by_noise, by_model = (Doubted(25, 12, judged=judged) for judged in (True, False))
    easy, hard = by_noise.said("easiest", "VoG"), by_noise.said("hardest", "VoG")
    assert easy.startswith("12 of these 25 labels are likely wrong. Easy by VoG need not")
    assert "A wrong label alone can make a row hard" in hard
    assert by_model.said("easiest", "VoG").startswith("The model contradicts 12 of these 25 labels")
    assert "look for wrong labels first" in by_model.said("hardest", "VoG")
    whole = Doubted(10, 10, judged=True).said("easiest", "VoG")
    assert whole.startswith("These 10 labels are likely wrong.")
