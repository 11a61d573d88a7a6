"""Masked texts: nothing of a text is left in an answer, and everything else stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import BaseModel

from influence_core.noise.near import near
from influence_core.store import tables
from influence_core.store.columns import catalogue
from influence_core.store.files import write_parquet
from influence_core.store.masking import (
    LONGEST,
    TEXTS,
    manifest_without_texts,
    masked,
    query_without_texts,
    text_columns,
    without_texts,
)
from influence_core.store.query import Between, Contains, ExampleQuery, OneOf
from influence_core.store.rows import texts
from influence_core.store.run import Run
from tests.factory import HOSTILE_COLUMNS, read

SECRET = "open the secret door"
HIDDEN = "masked, 4 words"


class Pair(NamedTuple):
    text: str
    label: str


class Model(BaseModel):
    text: str
    rank: int = 1


@dataclass(frozen=True)
class Holder:
    found: tuple[Pair, ...]
    told: dict[str, Any]
    total: int


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (SECRET, HIDDEN),
        ("", "masked, 0 words"),
        ("go", "masked, 1 word"),
        (" a\nb ", "masked, 2 words"),
    ],
)
def test_what_stands_for_a_text_says_how_long_it_is(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (Pair(SECRET, "doors"), Pair(HIDDEN, "doors")),
        (Model(text=SECRET), Model(text=HIDDEN)),
        ([{"text": SECRET, "text_pair": None}], [{"text": HIDDEN, "text_pair": None}]),
        ({"tokens": ("open", "up")}, {"tokens": ("masked, 1 word", "masked, 1 word")}),
        (
            Holder((Pair(SECRET, "doors"),), {"more": [{"text": SECRET}]}, 3),
            Holder((Pair(HIDDEN, "doors"),), {"more": [{"text": HIDDEN}]}, 3),
        ),
    ],
)
def test_texts_leave_however_deep_they_lie(answer: object, left: object) -> None:
    assert without_texts(answer) == left


def test_frames_keep_everything_but_texts() -> None:
    frame = pd.DataFrame(
        {
            "text": [SECRET, "go"],
            "text_pair": [None, SECRET],
            "label": ["doors", "go"],
            "vog": [1, 2],
        }
    )
    found = without_texts(frame)
    assert found["text"].tolist() == [HIDDEN, "masked, 1 word"]
    assert found["text_pair"].isna().tolist() == [True, False]
    assert found["text_pair"].iloc[1] == HIDDEN
    pd.testing.assert_frame_equal(found[["label", "vog"]], frame[["label", "vog"]])
    assert frame["text"].tolist() == [SECRET, "go"], "the answer itself may be shared"


@pytest.mark.parametrize("answer", [7, "a label", None, np.arange(3), Model])
def test_what_holds_no_text_comes_back_itself(answer: object) -> None:
    assert without_texts(answer) is answer


def test_what_the_tables_answer_holds_no_text(hostile_run: Run) -> None:
    names = text_columns(hostile_run)
    answers = (
        tables.page(hostile_run, ExampleQuery(), 1, 50),
        [tables.example(hostile_run, row) for row in range(50)],
        texts(hostile_run, range(50)),
        near(hostile_run, 0),
    )
    told = repr([without_texts(answer, names) for answer in answers])
    said = hostile_run.examples(["text", "label"])
    assert not [text for text in said["text"] if repr(str(text))[1:-1] in told]
    assert all(repr(label) in told for label in set(said["label"][:50]))


def with_column(run: Run, name: str, values: list[object]) -> Run:
    table = read(run.examples_file)
    write_parquet(run.examples_file, table.append_column(name, pa.array(values)))
    return run


def test_input_columns_that_may_hold_texts_go_with_them(small_run: Run) -> None:
    rows = small_run.manifest().dataset.rows
    with_column(small_run, "said", small_run.examples(["text"])["text"].tolist())
    with_column(small_run, "rating", list(range(rows)))
    with_column(small_run, "rare", ["usual"] * (rows - 1) + ["x" * (LONGEST + 1)])
    assert text_columns(small_run) == TEXTS | {"slots", "said", "rare"}
    left = without_texts(catalogue(small_run), text_columns(small_run))
    assert {"label", "domain", "source", "rating", "vog"} <= {one.name for one in left.columns}
    assert not {"text", "said", "slots"} & {one.name for one in left.columns}


def test_hostile_categories_stay(hostile_run: Run) -> None:
    assert text_columns(hostile_run) == TEXTS | {"slots"}
    left = without_texts(catalogue(hostile_run), text_columns(hostile_run))
    assert len([one for one in left.columns if one.stored in HOSTILE_COLUMNS]) == len(
        HOSTILE_COLUMNS
    )


def test_a_query_asks_nothing_about_texts() -> None:
    kept = (OneOf(column="label", values=("a",)), Between(column="vog", minimum=1.0))
    query = ExampleQuery(
        filters=(*kept, Contains(column="text", text="door")),
        search="secret.*",
        regex=True,
        order="column",
        column="text",
    )
    assert query_without_texts(query, TEXTS) == ExampleQuery(filters=kept)
    by_score = ExampleQuery(score="vog", order="hardest", labels=("a",))
    assert query_without_texts(by_score, TEXTS) == by_score


def test_a_manifest_quotes_nothing(small_run: Run) -> None:
    finding = small_run.manifest().dataset.findings[0]
    quoting = finding.model_copy(update={"message": f"Row 3 says {SECRET!r}."})
    dataset = small_run.manifest().dataset.model_copy(update={"findings": (quoting,)})
    small_run.update(dataset=dataset, error=f"DataError: {SECRET}", notes=(SECRET,))
    left = manifest_without_texts(small_run.manifest())
    assert SECRET not in left.model_dump_json()
    assert (left.dataset.findings[0].check, left.dataset.findings[0].rows) == (
        finding.check,
        finding.rows,
    )
    assert left.metrics == small_run.manifest().metrics
