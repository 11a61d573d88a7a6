"""What arrives in `examples.parquet`."""

from __future__ import annotations

import csv as csv_module
import io
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influence_core.config import DataSettings, RunSettings
from influence_core.data import load
from influence_core.progress import Event, Progress, silent
from influence_core.store.run import create_run
from tests.data.conftest import rows_of

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda text: text.strip() != ""
)


def read_back(content: bytes, name: str) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        run = create_run("probe", RunSettings(), Path(folder) / "runs")
        load(DataSettings(source=str(path), text="text", label="label", id=""), run, silent())
        return pq.read_table(run.examples_file)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(texts, st.text(st.characters(exclude_categories=["Cs"]))), min_size=2))
def test_any_string_survives_csv(pairs):
    pairs = [(text.replace("\0", "0"), note.replace("\0", "0")) for text, note in pairs]
    file = io.StringIO()
    writer = csv_module.writer(file)
    writer.writerow(["text", "label", "note"])
    writer.writerows((text, f"c{n % 2}", f"n{note}") for n, (text, note) in enumerate(pairs))
    table = read_back(file.getvalue().encode(), "data.csv")
    assert table["text"].to_pylist() == [text for text, _ in pairs]
    assert table["note"].to_pylist() == [f"n{note}" for _, note in pairs]


@settings(max_examples=15, deadline=None)
@given(st.lists(texts, min_size=2), st.booleans())
def test_any_string_survives_json_lines(values, escaped):
    lines = [
        json.dumps({"text": text, "label": n % 2}, ensure_ascii=escaped)
        for n, text in enumerate(values)
    ]
    table = read_back("\n".join(lines).encode(), "data.jsonl")
    assert table["text"].to_pylist() == values


def test_standard_columns_come_first_and_others_untouched(loaded, run, csv):
    loaded(csv("domain,text,code,label,price,split_input\na,x,007,l1,1.5,k\nb,y,010,l2,2,k\n"))
    table = pq.read_table(run.examples_file)
    assert table.column_names == [
        *("id", "text", "text_pair", "label", "split"),
        *("domain", "code", "price", "split_input"),
    ]
    assert table["code"].to_pylist() == ["007", "010"]
    assert table["price"].to_pylist() == [1.5, 2.0]
    assert table["id"].to_pylist() == ["row-1", "row-2"]
    assert table["text_pair"].to_pylist() == [None, None]


def test_colliding_columns_are_renamed(loaded, run, csv):
    loaded(csv("text,label,intent,label_input\na,1,x,k\nb,2,y,k\n"), label="intent")
    table = pq.read_table(run.examples_file)
    assert table["label"].to_pylist() == ["x", "y"]
    assert table["label_input"].to_pylist() == ["k", "k"]
    assert table["label_input_input"].to_pylist() == [1, 2]


@pytest.mark.parametrize("value", ["1.10", "1e5", "0x1", "01", "12345678901234567890", "nan", "-0"])
def test_strings_that_only_look_like_numbers_stay_strings(loaded, run, csv, value):
    loaded(csv(f"text,label,note\na,x,{value}\nb,y,{value}\n"))
    assert pq.read_table(run.examples_file)["note"].to_pylist() == [value, value]


def test_frequency_is_a_number_with_gaps(loaded, run, csv):
    summary = loaded(csv("text,label,frequency\na,x,12\nb,y,\nc,y,3\n"))
    assert summary.columns["frequency"] == "int64"
    assert pq.read_table(run.examples_file)["frequency"].to_pylist() == [12, None, 3]


def test_nested_json_is_carried_through(loaded, run, csv):
    slots = [[{"start": 0, "end": 1, "slot": "a"}], [], [{"start": 1, "end": 2, "slot": "b"}]]
    lines = [
        json.dumps({"text": f"text {n}", "label": n % 2, "slots": value})
        for n, value in enumerate(slots)
    ]
    loaded(csv("\n".join(lines), "data.jsonl"))
    assert pq.read_table(run.examples_file)["slots"].to_pylist() == slots


def test_columns_of_mixed_types_become_text(loaded, run, csv):
    lines = [
        json.dumps({"text": f"t{n}", "label": n % 2, "extra": value})
        for n, value in enumerate([1, "one", None, {"a": 1}])
    ]
    loaded(csv("\n".join(lines), "data.jsonl"))
    assert pq.read_table(run.examples_file)["extra"].to_pylist() == ["1", "one", None, '{"a": 1}']


def test_labels_as_whole_floats(loaded, run, csv):
    summary = loaded(csv("text,label\na,1.0\nb,2.0\nc,10.0\nd,\n"))
    assert summary.label_names == ("1", "2", "10")
    assert any(item.check == "label_type" for item in summary.findings)


def test_labels_as_other_floats_look_like_regression(refused, csv):
    message, errors = refused(csv("text,label\na,1.5\nb,2.0\nc,0.25\n"))
    assert set(errors) == {"label_type"}
    assert "regression" in message


def test_integer_labels_are_ordered_by_value(loaded, tmp_path):
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"text": ["a", "b", "c"], "label": [10, 9, 9]}), path)
    assert loaded(path).label_names == ("9", "10")


def test_parquet_float_and_missing_labels(loaded, tmp_path):
    path = tmp_path / "data.parquet"
    table = pa.table({"text": list("abcde"), "label": [1.0, 2.0, float("nan"), None, 1.0]})
    pq.write_table(table, path)
    summary = loaded(path)
    assert summary.label_names == ("1", "2")
    assert summary.rejected == 2


def test_duplicate_ids_keep_the_first(loaded, run, csv):
    summary = loaded(csv("id,text,label\na,one,x\nb,two,y\na,three,x\nc,four,y\na,five,x\n"))
    assert run.examples()["text"].tolist() == ["one", "two", "four"]
    (finding,) = [item for item in summary.findings if item.check == "duplicate_id"]
    assert finding.level == "warning"
    assert (finding.count, finding.rows) == (2, (3, 5))


def test_duplicate_texts_and_conflicting_labels(loaded, csv):
    summary = loaded(csv("text,label\na,x\na,x\nb,x\nb,y\nc,y\nd,y\n"))
    counts = {item.check: (item.count, item.rows) for item in summary.findings}
    assert counts["duplicate_text"] == (1, (2,))
    assert counts["conflicting_labels"] == (1, (4,))
    assert "split_leak" not in counts


def test_pairs_differ_by_either_text(loaded, csv):
    summary = loaded(csv("premise,hypothesis,label\na,b,x\na,c,y\nab,,x\nd,b,y\n"))
    assert summary.pairs
    assert not {"duplicate_text", "conflicting_labels"} & {item.check for item in summary.findings}


def test_duplicates_across_given_splits(loaded, csv):
    summary = loaded(csv("text,label,split\na,x,train\na,x,test\nb,y,training\nc,y,dev\n"))
    counts = {item.check: item.rows for item in summary.findings}
    assert counts["split_leak"] == (2,)
    assert summary.splits == {"train": 2, "validation": 1, "test": 1}


def test_unknown_split_values_are_named(refused, csv):
    message, errors = refused(csv("text,label,split\na,x,train\nb,y,holdout\nc,y,\n"))
    assert set(errors) == {"split_values"}
    assert "'holdout'" in message


def test_a_split_column_of_train_only_is_divided(loaded, csv):
    rows = "".join(f"text {n},c{n % 2},train\n" for n in range(100))
    assert loaded(csv("text,label,split\n" + rows)).splits["test"] == 10


def test_files_named_by_split(loaded, csv, tmp_path):
    csv(rows_of(20), "folder/train.csv")
    csv("id,text,label\nv,unseen,c1\n", "folder/val.csv")
    csv("id,text,label\nt,other,c0\n", "folder/test.csv")
    assert loaded(tmp_path / "folder").splits == {"train": 20, "validation": 1, "test": 1}


def test_several_files_of_different_columns(loaded, run, csv, tmp_path):
    first = csv("text,label,a\none,x,1\ntwo,y,2\n", "first.csv")
    second = csv('{"text": "three", "label": "x", "b": [1]}\n', "second.jsonl")
    loaded(f"{first}, {second}")
    table = pq.read_table(run.examples_file)
    assert table["text"].to_pylist() == ["one", "two", "three"]
    assert table["a"].to_pylist() == ["1", "2", None]
    assert table["b"].to_pylist() == [None, None, [1]]


def test_small_classes_are_named(loaded, csv):
    summary = loaded(csv(rows_of(40) + "z,rare one,rare\n"), min_class_size=5)
    (finding,) = [item for item in summary.findings if item.check == "small_class"]
    assert "rare (1)" in finding.message


def test_same_content_same_fingerprint_whatever_the_file(loaded, run, csv, tmp_path):
    first = loaded(csv(rows_of(30)))
    lines = [
        json.dumps({"id": f"r{n}", "text": f"sentence number {n}", "label": f"c{n % 2}"})
        for n in range(30)
    ]
    assert loaded(csv("\n".join(lines), "data.jsonl")).fingerprint == first.fingerprint
    assert loaded(csv(rows_of(30).replace("29,", "29!,"))).fingerprint != first.fingerprint


def test_same_input_same_bytes(loaded, run, csv):
    path = csv(rows_of(300, classes=7))
    loaded(path)
    before = run.examples_file.read_bytes()
    loaded(path)
    assert run.examples_file.read_bytes() == before


def test_progress_rises_to_the_end(run, csv):
    events: list[Event] = []
    load(DataSettings(source=str(csv(rows_of(50)))), run, Progress(events.append, interval=0))
    done = [event.done for event in events]
    assert done == sorted(done)
    assert (events[0].stage, done[-1], events[-1].total) == ("data", 100, 100)


def test_nested_columns_are_carried_through_untouched(loaded, run, tmp_path):
    spans = pa.list_(pa.struct({"start": pa.int32(), "slot": pa.string()}))
    table = pa.table(
        {
            "text": ["turn it on", "turn it off", "play jazz", "stop"],
            "label": ["on", "off", "on", "off"],
            "slots": pa.array([[{"start": 5, "slot": "thing"}], [], None, [None]], spans),
            "origin": pa.array([{"user": {"id": 1}}, {"user": None}, None, {"user": {"id": 4}}]),
            "votes": pa.array([[("a", 1)], [], None, [("b", None)]], pa.map_("string", "int8")),
            "halves": pa.array([[1, 2], None, [3, 4], [5, 6]], pa.list_(pa.float16(), 2)),
        }
    )
    pq.write_table(table, tmp_path / "data.parquet")
    loaded(tmp_path / "data.parquet")
    kept = pq.read_table(run.examples_file)
    for name in ("slots", "origin", "votes", "halves"):
        assert kept[name].to_pylist() == table[name].to_pylist()
        assert kept.schema.field(name).type == table.schema.field(name).type
