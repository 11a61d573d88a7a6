"""Rows that say the same, or nearly, under another label."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from influence_core.errors import DataError
from influence_core.noise.near import near, nearest, text_key
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read
from tests.noise.blobs import give_features


def retext(run: Run, texts: dict[int, str]) -> None:
    """Give rows of a run other texts."""
    examples = read(run.examples_file)
    changed = examples["text"].to_pylist()
    for row, text in texts.items():
        changed[row] = text
    place = examples.schema.get_field_index("text")
    write_parquet(run.examples_file, examples.set_column(place, "text", pa.array(changed)))
    run.update()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Turn on the lamp!", "  turn on   the lamp"),
        ("what's up, doc?", "Whats up doc"),
        ("what’s up", "what's up"),
        ("STRASSE", "straße"),
        ("ﬁnd it", "find it"),
        ("play…jazz", "play jazz"),
    ],
)
def test_case_blanks_and_punctuation_make_no_difference(one: str, other: str) -> None:
    assert text_key(one) == text_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5 + 3", "5 - 3"),
        ("resume", "résumé"),
        ("का", "कि"),
        ("!!!", "???"),
        ("ab", "a b"),
    ],
)
def test_letters_accents_and_signs_do(one: str, other: str) -> None:
    assert text_key(one) != text_key(other)


def test_both_texts_of_a_pair_count() -> None:
    assert text_key("a", "b") == text_key("A.", "b!")
    assert len({text_key("a", "b"), text_key("b", "a"), text_key("a b"), text_key("a", "")}) == 4


def test_without_features_equal_texts_are_found(small_run: Run) -> None:
    examples = small_run.examples(["label", "split"])
    train = examples[examples["split"] == "train"]
    label = train["label"].iloc[0]
    row = int(train.index[0])
    alike = [int(n) for n in train.index[1:][train["label"].iloc[1:] == label][:2]]
    unlike = [int(n) for n in train.index[train["label"] != label][:3]]
    held_out = int(examples.index[examples["split"] == "test"][0])
    same = "Turn it up, please"
    retext(
        small_run, dict.fromkeys([row, *alike, *unlike, held_out], same) | {alike[0]: same + "!"}
    )
    found = near(small_run, row)
    assert [one.row for one in found.same_label] == alike
    assert [one.row for one in found.other_labels] == unlike
    assert all(one.same_text and one.similarity is None for one in found.same_label)
    assert found.same_label[0].text == "Turn it up, please!"
    assert [one.row for one in near(small_run, row, k=2).other_labels] == unlike[:2]
    assert [one.row for one in near(small_run, held_out).other_labels if one.row == held_out] == []


def test_the_nearest_are_those_of_a_plain_search(small_run: Run) -> None:
    give_features(small_run)
    features = np.load(small_run.embeddings_file).astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    examples = small_run.examples(["id", "label", "split"])
    for row in (0, 7, 100):
        cosine = unit @ unit[row]
        usable = (examples["split"] == "train") & (examples.index != row)
        same = examples["label"] == examples["label"][row]
        found = near(small_run, row, k=4)
        for told, wanted in ((found.same_label, same), (found.other_labels, ~same)):
            rows = np.flatnonzero(usable & wanted)
            expected = rows[np.argsort(-cosine[rows], kind="stable")][:4]
            told = sorted(told, key=lambda one: -one.similarity)
            assert [one.row for one in told] == expected.tolist()
            np.testing.assert_allclose([t.similarity for t in told], cosine[expected], atol=1e-5)
            assert [one.id for one in told] == examples["id"][expected].tolist()
            assert [one.label for one in told] == examples["label"][expected].tolist()


def test_equal_texts_come_first_and_equals_by_id(small_run: Run) -> None:
    give_features(small_run)
    features = np.load(small_run.embeddings_file)
    label = small_run.examples(["label"])["label"]
    train = np.flatnonzero(small_run.examples(["split"])["split"] == "train")
    row = int(train[0])
    others = [int(n) for n in train if label[n] != label[row]]
    far, *twins = others[10], *others[3:6]
    features[far] = -features[row]
    features[twins] = features[row]
    np.save(small_run.embeddings_file, features)
    retext(small_run, {row: "the very same", far: "The very same."})
    told = near(small_run, str(small_run.examples(["id"])["id"][row]), k=4).other_labels
    assert [one.row for one in told] == [far, *twins]
    assert [one.same_text for one in told] == [True, False, False, False]
    assert told[0].similarity == pytest.approx(-1, abs=1e-3)


def test_a_changed_run_is_read_anew(small_run: Run) -> None:
    rows = np.flatnonzero(small_run.examples(["split"])["split"] == "train")[:2].tolist()
    retext(small_run, {rows[0]: "one of a kind"})
    first = near(small_run, rows[0])
    assert not first.same_label + first.other_labels
    retext(small_run, {rows[1]: "One of a kind"})
    second = near(small_run, rows[0])
    assert [one.row for one in second.same_label + second.other_labels] == rows[1:]


def test_an_unknown_row_is_refused(small_run: Run) -> None:
    with pytest.raises(DataError, match="'id' must be one of run 'small'"):
        near(small_run, "nobody")


def test_the_nearest_of_all_labels_are_those_of_a_plain_search(small_run: Run) -> None:
    give_features(small_run)
    features = np.load(small_run.embeddings_file).astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    train = np.flatnonzero(small_run.examples(["split"])["split"] == "train")
    for row in (0, 100, int(np.setdiff1d(np.arange(400), train)[0])):
        rows = train[train != row]
        expected = rows[np.argsort(-(unit @ unit[row])[rows], kind="stable")][:8]
        found = nearest(small_run, row)
        assert [one.row for one in found.rows] == expected.tolist()
        assert found.encoder == "untuned"


def test_a_tuned_encoder_stands_in_for_the_untuned_one(small_run: Run) -> None:
    assert nearest(small_run, 0).encoder is None
    give_features(small_run)
    settings = small_run.manifest().settings
    tuned = settings.training.model_copy(update={"mode": "finetune"})
    small_run.update(settings=settings.model_copy(update={"training": tuned}))
    final = nearest(small_run, 0)
    assert (final.encoder, len(final.rows)) == ("final", 8)
    features = np.load(small_run.embeddings_file)
    np.save(small_run.path / "untuned.npy", features[::-1])
    untuned = nearest(small_run, 0)
    assert untuned.encoder == "untuned"
    assert untuned.rows != final.rows
