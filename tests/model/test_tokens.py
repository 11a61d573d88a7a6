from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.errors import RunError
from influence_core.model.encoder import load_tokenizer
from influence_core.model.tokens import TokenStore, length_batches, open_tokens, tokenize
from influence_core.progress import silent

TEXTS = ["lamp", "lamp bulb ceiling bright dim", "song album " * 40, "rain"]


def stored(folder, tokenizer, texts, pairs=None, max_length=32):
    columns = {"text": texts, "text_pair": pa.array(pairs or [None] * len(texts), pa.string())}
    pq.write_table(pa.table(columns), folder / "examples.parquet")
    findings = tokenize(
        folder / "examples.parquet", tokenizer, max_length, folder / "tokens", silent()
    )
    return open_tokens(folder / "tokens"), findings


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder):
    return load_tokenizer(str(tiny_encoder))


@pytest.mark.parametrize("pairs", [None, ["dim", "", "song", None]])
def test_batches_equal_the_tokenizer(tmp_path, tokenizer, pairs):
    store, _ = stored(tmp_path, tokenizer, TEXTS, pairs)
    rows = [2, 0, 3]
    second = None if pairs is None else [pairs[row] or "" for row in rows]
    expected = tokenizer(
        [TEXTS[row] for row in rows],
        second,
        truncation=True,
        max_length=32,
        padding=True,
        return_tensors="pt",
    )
    found = store.batch(rows)
    assert set(found) == set(expected)
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name])


def test_a_text_of_which_nothing_is_left_becomes_one_unknown_token(tmp_path, tokenizer):
    bare = lambda texts, pairs, **_: {"input_ids": [[] for _ in texts]}  # noqa: E731
    bare.unk_token_id, bare.eos_token_id, bare.pad_token_id = 1, None, 0
    bare.model_input_names = ["input_ids"]
    bare.num_special_tokens_to_add = lambda pair: 0
    store, findings = stored(tmp_path, bare, ["one", "two"])
    assert store.lengths.tolist() == [1, 1]
    assert store.types is None
    assert findings[0].check == "unknown_tokens"


def test_findings_tell_of_cut_and_unknown_texts(tmp_path, tokenizer):
    _, findings = stored(tmp_path, tokenizer, [*TEXTS, "zyxw vuts"], max_length=16)
    by_check = {finding.check: finding for finding in findings}
    assert by_check["long_texts"].rows == (3,)
    assert by_check["long_texts"].count == 1
    assert by_check["unknown_tokens"].count == 2


def test_no_findings_on_plain_texts(tmp_path, tokenizer):
    assert stored(tmp_path, tokenizer, TEXTS[:2])[1] == ()


def test_missing_tokens(tmp_path):
    with pytest.raises(RunError, match="resume"):
        open_tokens(tmp_path)


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=80),
    st.integers(1, 200),
    st.integers(1, 20),
)
def test_batches_hold_every_row_once_within_their_bounds(lengths, tokens, most):
    sizes = np.array(lengths)
    rows = np.arange(len(sizes))
    batches = list(length_batches(sizes, rows, tokens, most))
    joined = np.concatenate(batches)
    assert sorted(joined) == list(rows)
    assert (np.diff(sizes[joined]) >= 0).all()
    for batch in batches:
        assert len(batch) <= most
        assert len(batch) == 1 or sizes[batch].max() * len(batch) <= tokens


def test_lengths():
    store = TokenStore(np.arange(5, dtype=np.int32), None, np.array([0, 2, 5]), 0)
    assert store.lengths.tolist() == [2, 3]
    assert len(store) == 2
