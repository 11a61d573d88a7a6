"""The reviewed data as a file, and a new run of it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from influence_core import pipeline
from influence_core.config import ImportSettings, ModelSettings, RunSettings, TrainingSettings
from influence_core.data import load
from influence_core.errors import ConfigError, RunError
from influence_core.noise.flipping import flip
from influence_core.noise.known import known_wrong
from influence_core.noise.mending import manifest_beside, plan_reviewed, write_reviewed
from influence_core.noise.settings import FlipSettings
from influence_core.progress import silent
from influence_core.store.copying import copied_data
from influence_core.store.files import write_parquet
from influence_core.store.review import Reviews
from influence_core.store.run import Run, create_run
from tests.factory import make_run, read
from tests.noise.copies import read_again
from tests.reviewer import given_labels, other_label, review_some


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_the_file_holds_all_splits_as_decided(small_run: Run, tmp_path: Path, suffix: str) -> None:
    given, ids = review_some(small_run), list(given_labels(small_run))
    made = write_reviewed(small_run, tmp_path / f"mended{suffix}")
    before = read(small_run.examples_file).to_pandas().set_index("id")
    readers = {".parquet": pd.read_parquet, ".csv": pd.read_csv}
    after = readers.get(suffix, lambda path: pd.read_json(path, lines=True))(made.path)
    after = after.set_index("id")
    assert after.index.tolist() == [id for id in before.index if id not in ids[4:6]]
    assert (after["split"] == before["split"].loc[after.index]).all()
    changed = after["label"] != before["label"].loc[after.index]
    assert after.index[changed].tolist() == ids[2:4]
    for id in ids[2:4]:
        assert after["label"][id] == other_label(small_run, given[id])
        assert after["label_before_review"][id] == given[id]
    assert after["label_before_review"].notna().sum() == 2
    assert "text_pair" not in after.columns


def test_what_was_done_lies_beside_it(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    made = write_reviewed(small_run, tmp_path / "mended.parquet")
    facts = json.loads((tmp_path / "mended.reviews.json").read_text())
    assert facts == made.manifest.model_dump(mode="json")
    assert facts["reviews"]["reviewers"] == {"Ada": 4, "Ben": 4}
    assert facts["rows_before"] - facts["rows_after"] == 2 == 400 - len(read(made.path))
    assert facts["command"].endswith("mended.parquet --review-version 4")


def test_an_earlier_version_is_written_again_to_the_byte(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    first = write_reviewed(small_run, tmp_path / "first.parquet")
    Reviews(small_run).undo("Ben")
    Reviews(small_run).undo("Ben")
    again = write_reviewed(small_run, tmp_path / "again.parquet", version=4)
    assert first.path.read_bytes() == again.path.read_bytes()
    newest = write_reviewed(small_run, tmp_path / "newest.parquet")
    assert newest.manifest.rows_after == 400


def test_where_nothing_changes_nothing_is_written(small_run: Run, tmp_path: Path) -> None:
    Reviews(small_run).decide(given_labels(small_run), "keep", "Ada")
    with pytest.raises(RunError, match="Nobody dropped or relabelled a row of run 'small'"):
        write_reviewed(small_run, tmp_path / "mended.parquet")
    with pytest.raises(RunError, match="Nobody dropped"):
        plan_reviewed(small_run)
    with pytest.raises(ConfigError, match=r"'destination' must end in \.csv, \.jsonl, \.parquet"):
        write_reviewed(small_run, tmp_path / "mended.xlsx")
    assert not list(tmp_path.glob("mended*"))


def test_a_new_run_has_what_was_decided_and_nothing_else(
    runs_root: Path, tiny_encoder: Path
) -> None:
    old = make_run(runs_root, name="old", rows=120, classes=3)
    settings = old.manifest().settings.model_copy(
        update={
            "model": ModelSettings(encoder=str(tiny_encoder)),
            "training": TrainingSettings(epochs=2, batch_size=32, checkpoints=2, precision="fp32"),
        }
    )
    old.update(settings=settings)
    given, ids = review_some(old), list(given_labels(old))
    planned = plan_reviewed(old)
    assert planned.name == "old-reviewed"
    assert planned.settings.model_copy(update={"data": settings.data}) == settings
    pipeline.check(planned.settings)
    new = pipeline.run(name=planned.name, settings=planned.settings)
    before = old.examples(["id", "text", "split"]).set_index("id")
    after = new.examples(["id", "text", "split", "label"]).set_index("id")
    kept = [id for id in before.index if id not in ids[4:6]]
    pd.testing.assert_frame_equal(after[["text", "split"]], before.loc[kept])
    assert after["label"][ids[2]] == other_label(old, given[ids[2]])
    assert len(new.scores(["row"])) == len(given_labels(old)) - 2
    assert plan_reviewed(old).name == "old-reviewed-2"
    assert plan_reviewed(old, "mine").name == "mine"


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_flipped_labels_that_were_mended_are_right(
    small_run: Run, tmp_path: Path, suffix: str
) -> None:
    made = flip(small_run, tmp_path / f"noisy{suffix}", FlipSettings(share=0.5))
    noisy = create_run("noisy", RunSettings(data=copied_data(small_run, made.path)))
    noisy.update(dataset=load(noisy.manifest().settings.data, noisy, silent()))
    examples = read(noisy.examples_file).to_pandas()
    # A CSV file has no truth values but their names.
    wrong = examples["flipped"].astype(str).str.lower() == "true"
    train = examples["split"] == "train"
    flipped, right = examples[wrong & train], examples[~wrong & train]
    mended, mistaken, spoilt = flipped.iloc[0], flipped.iloc[1], right.iloc[0]
    third = next(
        name
        for name in noisy.manifest().dataset.label_names
        if name not in (mistaken["label"], mistaken["label_before"])
    )
    new = {
        mended["id"]: mended["label_before"],
        mistaken["id"]: third,
        spoilt["id"]: other_label(noisy, spoilt["label"]),
    }
    given = {row["id"]: row["label"] for row in (mended, mistaken, spoilt)}
    Reviews(noisy).decide(given, "relabel", "Ada", new)
    after = read(write_reviewed(noisy, tmp_path / "mended.parquet").path).to_pandas()
    told = after.set_index("id")["flipped"].astype(str).str.lower() == "true"
    assert told[[mended["id"], mistaken["id"], spoilt["id"]]].tolist() == [False, True, True]
    others = ~examples["id"].isin(new)
    assert told[examples["id"][others]].tolist() == wrong[others].tolist()


def test_a_label_mended_before_a_flip_stays_right(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    mended = read_again(small_run, write_reviewed(small_run, tmp_path / "mended.parquet").path)
    flipped = flip(mended, tmp_path / "noisy.parquet", FlipSettings(share=0.2))
    noisy = read_again(mended, flipped.path)
    spoilt = next(iter(given_labels(noisy).items()))
    Reviews(noisy).decide(dict([spoilt]), "relabel", "Ada", other_label(noisy, spoilt[1]))
    again = read(write_reviewed(noisy, tmp_path / "again.parquet").path).to_pandas()
    before, after = read(flipped.path).to_pandas().set_index("id"), again.set_index("id")
    others = [id for id in after.index if id != spoilt[0]]
    assert (after["flipped"][others] == before["flipped"][others]).all()


def test_the_truth_of_a_label_outlives_any_number_of_reviews(
    small_run: Run, tmp_path: Path
) -> None:
    noisy = read_again(
        small_run, flip(small_run, tmp_path / "noisy.parquet", FlipSettings(share=0.1)).path
    )
    examples = read(noisy.examples_file).to_pandas()
    right = examples[(examples["split"] == "train") & examples["label_before"].isna()].iloc[0]
    wrong = other_label(noisy, right["label"])
    Reviews(noisy).decide({right["id"]: right["label"]}, "relabel", "Ada", wrong)
    spoilt = read_again(noisy, write_reviewed(noisy, tmp_path / "spoilt.parquet").path)
    told = read(spoilt.examples_file).to_pandas().set_index("id").loc[right["id"]]
    assert (told["label"], told["flipped"], told["label_before"]) == (wrong, True, right["label"])
    Reviews(spoilt).decide({right["id"]: wrong}, "relabel", "Ada", right["label"])
    mended = read(write_reviewed(spoilt, tmp_path / "mended.parquet").path).to_pandas()
    assert not mended.set_index("id")["flipped"][right["id"]]


def test_new_labels_of_the_built_in_set_are_not_known_to_be_wrong(
    small_run: Run, tmp_path: Path
) -> None:
    ids = list(given_labels(small_run))
    examples = read(small_run.examples_file)
    wrong = pa.array([id in ids[:8] for id in examples["id"].to_pylist()])
    write_parquet(small_run.examples_file, examples.append_column("label_is_wrong", wrong))
    review_some(small_run)
    mended = read_again(small_run, write_reviewed(small_run, tmp_path / "mended.parquet").path)
    rows = read(mended.examples_file).to_pandas()
    train = rows.loc[rows["split"] == "train", "id"]
    known = set(train[known_wrong(mended)])
    # Of the eight, two were relabelled and two dropped.
    assert known == {*ids[:2], *ids[6:8]}


def test_a_csv_that_would_change_texts_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, "hostile", rows=80, hostile=True)
    review_some(run)
    with pytest.raises(ConfigError, match=r"'destination' must end in \.parquet or \.jsonl"):
        write_reviewed(run, tmp_path / "mended.csv")
    assert not list(tmp_path.glob("mended*"))


def test_a_version_that_is_not_there_yet_is_refused(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    with pytest.raises(ConfigError, match="'review_version' must be between 0 and 4; got 5"):
        write_reviewed(small_run, tmp_path / "mended.parquet", version=5)


def test_data_without_its_record_is_written_again(small_run: Run) -> None:
    review_some(small_run)
    path = Path(plan_reviewed(small_run).settings.data.source)
    whole, record = path.read_bytes(), manifest_beside(path)
    path.write_bytes(b"half")
    record.unlink()
    plan_reviewed(small_run)
    assert path.read_bytes() == whole
    assert record.exists()


def test_of_scores_from_elsewhere_a_probe_is_planned(small_run: Run) -> None:
    settings = small_run.manifest().settings
    imported = settings.model_copy(update={"imported": ImportSettings(path="scores.csv")})
    small_run.update(settings=imported)
    review_some(small_run)
    planned = plan_reviewed(small_run)
    assert planned.settings.origin == "probe"
    assert planned.settings.data.source.endswith("reviewed/4.parquet")
