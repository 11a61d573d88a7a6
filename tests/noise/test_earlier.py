"""What an earlier review kept, told by the run that was made of its data."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from influence_core.noise.earlier import EarlierReview, earlier_review
from influence_core.noise.flipping import flip
from influence_core.noise.mending import manifest_beside, write_reviewed
from influence_core.noise.settings import FlipSettings
from influence_core.store.files import write_parquet
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from tests.factory import read
from tests.noise.copies import read_again
from tests.reviewer import given_labels, other_label, review_some, some


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_only_kept_rows_were_kept(small_run: Run, tmp_path: Path, suffix: str) -> None:
    kept = list(review_some(small_run))[:2]
    mended = read_again(small_run, write_reviewed(small_run, tmp_path / f"mended{suffix}").path)
    assert earlier_review(mended) == EarlierReview(frozenset(kept), "small")


def test_data_that_nobody_reviewed_has_no_earlier_review(small_run: Run) -> None:
    assert earlier_review(small_run) is None
    examples = read(small_run.examples_file)
    numbers = pa.array(range(len(examples)))
    write_parquet(small_run.examples_file, examples.append_column("review_action", numbers))
    assert earlier_review(small_run) is None


def test_without_its_record_the_review_has_no_name(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    made = write_reviewed(small_run, tmp_path / "mended.parquet")
    mended = read_again(small_run, made.path)
    manifest_beside(made.path).write_text("{}")
    assert earlier_review(mended).run is None
    manifest_beside(made.path).unlink()
    assert earlier_review(mended).run is None


def test_the_newest_of_several_reviews_counts(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    mended = read_again(small_run, write_reviewed(small_run, tmp_path / "mended.parquet").path)
    ids = iter(given_labels(mended).items())
    stays, (changed, label) = next(ids)[0], next(ids)
    Reviews(mended).decide({changed: label}, "relabel", "Ada", other_label(mended, label))
    again = read_again(mended, write_reviewed(mended, tmp_path / "again.parquet").path)
    assert earlier_review(again) == EarlierReview(frozenset([stays]), "mended")


def test_a_label_that_was_drawn_anew_since_was_never_kept(small_run: Run, tmp_path: Path) -> None:
    given = given_labels(small_run)
    reviews = Reviews(small_run)
    reviews.decide(some(given, 0, 200), "keep", "Ada")
    reviews.decide(some(given, 200, 201), "drop", "Ada")
    mended = read_again(small_run, write_reviewed(small_run, tmp_path / "mended.parquet").path)
    made = flip(mended, tmp_path / "noisy.parquet", FlipSettings(share=0.5))
    examples = read(made.path).to_pandas()
    flipped = set(examples.loc[examples["flipped"], "id"])
    right = frozenset(list(given)[:200]) - flipped
    assert 0 < len(right) < 200
    assert earlier_review(read_again(mended, made.path)) == EarlierReview(right, None)
