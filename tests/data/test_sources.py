"""Guessed columns, saved datasets, Hub streams, and the first look at a source."""

from __future__ import annotations

from pathlib import Path

import datasets
import pyarrow as pa
import pytest

from influence_core import hub
from influence_core.config import DataSettings
from influence_core.data import columnar, inspect
from influence_core.data.columns import guess
from influence_core.data.findings import Report
from influence_core.data.sources import parts_of
from influence_core.errors import DataError
from tests.data.conftest import rows_of


def guessed(columns: dict[str, list[object]], **settings: str):
    report = Report()
    return guess(DataSettings(source="x.csv", **settings), pa.table(columns), report), report


WORDS = ["some words here", "more words there", "again some words", "the last words"]


@pytest.mark.parametrize(
    ("columns", "text", "pair", "label"),
    [
        (("text", "label"), "text", None, "label"),
        (("Utterance", "Intent"), "Utterance", None, "Intent"),
        (("premise", "hypothesis", "label"), "premise", "hypothesis", "label"),
        (("question", "sentence", "label"), "question", "sentence", "label"),
        (("sentence1", "sentence2", "class"), "sentence1", "sentence2", "class"),
        (("query", "category"), "query", None, "category"),
        (("id", "text", "intent", "domain"), "text", None, "intent"),
    ],
)
def test_columns_are_guessed_by_name(columns, text, pair, label):
    mapping, _ = guessed({name: list(WORDS) for name in columns})
    assert (mapping.text, mapping.text_pair, mapping.label) == (text, pair, label)


def test_columns_are_guessed_by_content():
    mapping, _ = guessed({"k": ["p", "q", "p", "q"], "n": ["a", "b", "c", "d"], "w": WORDS})
    assert (mapping.text, mapping.label) == ("w", "k")


def test_named_columns_win_and_empty_names_leave_roles_empty():
    columns = {name: list(WORDS) for name in ("id", "premise", "hypothesis", "label", "topic")}
    mapping, _ = guessed(columns, text="hypothesis", text_pair="", label="topic", id="")
    assert (mapping.text, mapping.text_pair, mapping.label) == ("hypothesis", None, "topic")
    assert mapping.id is None


def test_ambiguity_is_said():
    _, report = guessed({name: list(WORDS) for name in ("text", "intent", "domain")})
    assert any("'domain' could be it too" in finding.message for finding in report.findings)


def test_a_split_column_of_other_content_is_no_split():
    mapping, _ = guessed({"text": WORDS, "label": list("abab"), "split": ["7", "8", "7", "8"]})
    assert mapping.split is None


def saved():
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["no", "yes"]),
            "extra": datasets.List(datasets.Value("int64")),
        }
    )
    rows = {
        "text": [f"text {n}" for n in range(40)],
        "label": [n % 2 for n in range(39)] + [-1],
        "extra": [[n] for n in range(40)],
    }
    return datasets.Dataset.from_dict(rows, features=features)


def test_saved_dataset_with_class_names(loaded, run, tmp_path):
    saved().save_to_disk(str(tmp_path / "saved"))
    summary = loaded(tmp_path / "saved")
    assert summary.label_names == ("no", "yes")
    assert summary.rejected == 1
    assert run.examples()["extra"].tolist()[3].tolist() == [3]


def test_saved_dataset_of_splits(loaded, tmp_path):
    data = saved()
    parts = {"train": data.select(range(30)), "test": data.select(range(30, 39))}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    assert loaded(tmp_path / "saved").splits == {"train": 30, "validation": 0, "test": 9}


def test_parquet_that_datasets_wrote_has_class_names(loaded, tmp_path):
    saved().to_parquet(str(tmp_path / "data.parquet"))
    assert loaded(tmp_path / "data.parquet").label_names == ("no", "yes")


def test_hub_dataset_is_streamed(loaded, monkeypatch):
    asked = []

    def streamed(name, config, *, split, streaming):
        asked.append((name, config, split, streaming))
        return datasets.IterableDatasetDict({"train": saved().to_iterable_dataset()})

    monkeypatch.setattr(hub, "reachable", lambda: True)
    monkeypatch.setattr(datasets, "load_dataset", streamed)
    summary = loaded("owner/name", config="plain")
    assert asked == [("owner/name", "plain", None, True)]
    assert summary.rows == 39
    assert summary.splits["test"] == 4


def test_inspection_fills_the_form(csv):
    path = csv("id,text,intent,frequency\n1,a b,x,5\n2,c d,y,6\n3,e f,x,7\n")
    seen = inspect(DataSettings(source=str(path)), limit=2)
    assert (seen.settings.text, seen.settings.label, seen.settings.id) == ("text", "intent", "id")
    assert (seen.settings.text_pair, seen.settings.split) == ("", "")
    assert seen.columns["frequency"] == "int64"
    assert [row["text"] for row in seen.rows] == ["a b", "c d"]


def test_inspected_settings_load_the_same(loaded, csv):
    path = csv(rows_of(30))
    seen = inspect(DataSettings(source=str(path)))
    roles = seen.settings.model_dump(exclude={"source"})
    assert loaded(path, **roles).fingerprint == loaded(path).fingerprint


def test_inspection_of_what_is_unclear_keeps_the_questions(csv):
    seen = inspect(DataSettings(source=str(csv("a,b\n1,2\n3,4\n"))))
    assert seen.settings.text is None
    assert seen.findings[0].level == "error"


def test_inspection_of_nothing(csv):
    with pytest.raises(DataError, match="no rows"):
        inspect(DataSettings(source=str(csv("text,label\n"))))


def test_semicolons_are_understood(loaded, run, csv):
    loaded(csv("text;label\none, two;x\nthree;y\n"))
    assert run.examples()["text"].tolist() == ["one, two", "three"]


def test_pieces_that_change_their_types_are_read_one_after_the_other() -> None:
    pieces = [
        pa.table({"text": ["one", "two"], "note": pa.nulls(2)}),
        pa.table({"text": ["three"], "note": ["known now"]}),
        pa.table({"text": ["four"], "note": ["and still"]}),
    ]
    read = list(columnar._batches(pieces, {}, 4))
    assert [list(batch.rows) for batch in read] == [[1, 2], [3, 4]]
    assert [batch.table.column("note").to_pylist() for batch in read] == [
        [None, None],
        ["known now", "and still"],
    ]


def test_a_file_whose_name_has_commas_is_one_file(tmp_path: Path) -> None:
    odd = tmp_path / "intents, v2, final.csv"
    odd.write_text("text,label\nhello,greet\n", encoding="utf-8")
    [part] = parts_of(DataSettings(source=str(odd)))
    assert part.name == odd.name
    other = tmp_path / "more.csv"
    other.write_text("text,label\nhello,greet\n", encoding="utf-8")
    assert len(parts_of(DataSettings(source=f"{other}, {other}"))) == 2
