"""Tokens with their gradient variance: as the text reads, adding up to the row's score."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from influence_core.errors import ModelError, RunError
from influence_core.scores.gradients.by_token import keeps_tokens, token_variances
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read
from tests.trained import train


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Run:
    return train(tmp_path_factory.mktemp("tuned"), tiny_encoder, "finetune", ("vog",))


@pytest.fixture
def copy(tuned: Run, tmp_path: Path) -> Run:
    return Run(shutil.copytree(tuned.path, tmp_path / "copy"))


def test_the_tokens_read_as_the_text_and_their_mean_is_its_score(tuned: Run) -> None:
    scores = tuned.scores(["row", "vog"])
    written = tuned.examples(["text"])["text"]
    for row, score in scores.itertuples(index=False):
        tokens = token_variances(tuned, row)
        assert " ".join(one.text for one in tokens[1:-1]) == written[row]
        assert [one.text for one in tokens if one.special] == ["[CLS]", "[SEP]"]
        assert np.mean([one.value for one in tokens]) == pytest.approx(score, rel=1e-6)
        assert len({one.value for one in tokens}) > 1


def test_what_stands_together_is_joined_and_written_as_in_the_text(copy: Run) -> None:
    row = int(copy.scores(["row"])["row"].iloc[0])
    retext(copy, row, "LAMP,song rain")
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    retrace(copy, row, values)
    tokens = token_variances(copy, row)
    assert [(one.text, one.joined) for one in tokens[1:-1]] == [
        ("LAMP", False),
        (",", True),
        ("song", True),
        ("rain", False),
    ]
    assert [one.value for one in tokens] == values


def test_a_text_cut_in_training_is_cut_here(copy: Run) -> None:
    row = int(copy.scores(["row"])["row"].iloc[0])
    retext(copy, row, "lamp song rain snow")
    retrace(copy, row, [1.0, 2.0, 3.0, 4.0])
    assert [one.text for one in token_variances(copy, row)] == ["[CLS]", "lamp", "song", "[SEP]"]


def test_another_tokenizer_is_noticed(copy: Run) -> None:
    row = int(copy.scores(["row"])["row"].iloc[0])
    retrace(copy, row, [1.0] * 40)
    with pytest.raises(ModelError, match="another one was used"):
        token_variances(copy, row)


def test_probes_and_held_out_rows_have_none(tuned: Run, probed: Run, small_run: Run) -> None:
    assert keeps_tokens(tuned)
    assert not keeps_tokens(probed)
    assert not keeps_tokens(small_run)
    with pytest.raises(RunError, match="tells no tokens apart"):
        token_variances(probed, 0)
    held_out = int(np.flatnonzero(tuned.examples(["split"])["split"] != "train")[0])
    with pytest.raises(RunError, match="none of them"):
        token_variances(tuned, held_out)


def test_both_texts_of_a_pair_are_read_even_if_the_second_is_empty(copy: Run) -> None:
    dataset = copy.manifest().dataset
    copy.update(dataset=dataset.model_copy(update={"pairs": True}))
    row = int(copy.scores(["row"])["row"].iloc[0])
    retext(copy, row, "lamp")
    retrace(copy, row, [1.0, 2.0, 3.0, 4.0])
    tokens = token_variances(copy, row)
    assert [one.text for one in tokens] == ["[CLS]", "lamp", "[SEP]", "[SEP]"]
    retext(copy, row, "lamp", pair="Song rain")
    retrace(copy, row, [1.0] * 6)
    tokens = token_variances(copy, row)
    assert [one.text for one in tokens] == ["[CLS]", "lamp", "[SEP]", "Song", "rain", "[SEP]"]
    assert not any(one.joined for one in tokens)


def retext(run: Run, row: int, text: str, pair: str | None = None) -> None:
    table = read(run.examples_file)
    for name, said in (("text", text), ("text_pair", pair)):
        written = table[name].to_pylist()
        written[row] = said
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.array(written, pa.string()))
    write_parquet(run.examples_file, table)


def retrace(run: Run, row: int, values: list[float]) -> None:
    """Put other values of tokens into the trace of a row."""
    for path in run.traces_folder.glob("shard-*.parquet"):
        table = read(path)
        if row in table["row"].to_pylist():
            kept = table["token_vog"].to_pylist()
            kept[table["row"].to_pylist().index(row)] = values
            at = table.column_names.index("token_vog")
            write_parquet(path, table.set_column(at, "token_vog", pa.array(kept)))
