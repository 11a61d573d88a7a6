"""Files that cannot be used, and rows that cannot: clear words, and nothing lost."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from tests.data.conftest import rows_of


def rejected_rows(run):
    return [json.loads(line) for line in run.rejected_file.read_text("utf-8").splitlines()]


def test_missing_file_is_named(refused, tmp_path):
    message, errors = refused(tmp_path / "absent.csv")
    assert "absent.csv" in message
    assert "source" in errors


@pytest.mark.parametrize("name", ["data.csv", "data.jsonl", "data.parquet"])
def test_empty_file(refused, csv, name):
    message, errors = refused(csv("", name))
    assert set(errors) == {"empty"}
    assert name in message


def test_header_only(refused, csv):
    _, errors = refused(csv("id,text,label\n"))
    assert set(errors) == {"no_rows"}


def test_one_class(refused, csv):
    message, errors = refused(csv(rows_of(10, classes=1)))
    assert set(errors) == {"one_class"}
    assert "'c0'" in message


@pytest.mark.parametrize("name", ["data.csv", "data.jsonl"])
def test_binary(refused, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(bytes(range(256)) * 10)
    _, errors = refused(path)
    assert set(errors) == {"binary"}


def test_gzip_says_unpack(refused, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(gzip.compress(rows_of(5).encode()))
    message, _ = refused(path)
    assert "gzip" in message


def test_broken_parquet(refused, csv):
    message, errors = refused(csv("PAR1 but not really", "data.parquet"))
    assert set(errors) == {"unreadable"}
    assert "data.parquet" in message


def test_latin_1_proposes_conversion(refused, csv):
    text = rows_of(3000) + "x,le café,c1\n"
    message, errors = refused(csv(text, encoding="latin-1"))
    assert set(errors) == {"encoding"}
    assert "line 3002" in message
    assert "iconv -f WINDOWS-1252" in message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_byte_order_marks(loaded, run, csv, encoding, kind):
    if kind == "csv":
        text = "text,label\nünïcode 😀,a\nשלום עולם,b\n"
    else:
        text = '{"text": "ünïcode 😀", "label": "a"}\n{"text": "שלום עולם", "label": "b"}\n'
    loaded(csv(text, f"data.{kind}", encoding))
    assert run.examples()["text"].tolist() == ["ünïcode 😀", "שלום עולם"]


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE"])
@pytest.mark.parametrize("name", ["data.csv", "data.jsonl"])
@pytest.mark.parametrize("word", ["sentence", "שלום"])
def test_utf_16_without_its_mark_is_named(refused, csv, encoding, name, word):
    text = rows_of(20).replace("sentence", word)
    message, errors = refused(csv(text, name, encoding))
    assert set(errors) == {"encoding"}
    assert f"is {encoding} without a byte order mark" in message
    assert f"iconv -f {encoding} -t UTF-8" in message


def test_ragged_rows_are_left_out_with_their_lines(loaded, run, csv):
    path = csv('text,label\n"two\nlines",a\nonly one\ngood,b\ntoo,many,fields\nfine,a\n')
    summary = loaded(path)
    assert run.examples()["text"].tolist() == ["two\nlines", "good", "fine"]
    (finding,) = [item for item in summary.findings if item.check == "ragged"]
    assert (finding.count, finding.rows) == (2, (2, 4))
    first, second = rejected_rows(run)
    assert first["values"] == ["only one"]
    assert "line 4 has 1 fields" in first["reason"]
    assert second["row"] == 4


def test_broken_quotes_do_not_swallow_the_file(loaded, run, csv):
    text = rows_of(6) + '"stray" quote,text,c1\n' + "last,the last one,c0\n"
    summary = loaded(csv(text))
    assert summary.rows == 7
    assert [row["row"] for row in rejected_rows(run)] == [7]


def test_broken_json_lines(loaded, run, csv):
    lines = [
        '{"text": "good", "label": "a"}',
        '{"text": "cut off',
        "[1, 2]",
        '{"text": "half a pair \\ud83d", "label": "a"}',
        "",
        '{"text": "also good", "label": "b"}',
        '{"text": "third", "label": "b"}',
        '{"text": "fourth", "label": "b"}',
    ]
    summary = loaded(csv("\n".join(lines), "data.jsonl"))
    assert summary.rows == 4
    assert [row["row"] for row in rejected_rows(run)] == [2, 3, 4]
    assert rejected_rows(run)[0]["values"] == '{"text": "cut off'


def test_json_array_is_explained(refused, csv):
    message, _ = refused(csv('[{"text": "a", "label": "b"}]', "data.json"))
    assert "JSON lines" in message


def test_missing_values_are_left_out_by_reason(loaded, run, csv):
    path = csv(rows_of(8) + "a,,c1\nb,   ,c1\nc,text,\nd,text,  \n")
    summary = loaded(path)
    assert summary.rows == 8
    assert summary.rejected == 4
    counts = {item.check: (item.count, item.rows) for item in summary.findings}
    assert counts["empty_text"] == (2, (9, 10))
    assert counts["missing_label"] == (2, (11, 12))
    assert rejected_rows(run)[2]["values"] == {"id": "c", "text": "text", "label": ""}


def test_more_than_half_rejected_is_an_error_and_the_rows_are_kept(refused, run, csv):
    _, errors = refused(csv("text,label\na,x\nb,y\n,x\n,y\n,x\n"))
    assert "rejected" in errors
    assert len(rejected_rows(run)) == 3


def test_named_column_missing_lists_the_columns(refused, csv):
    message, _ = refused(csv(rows_of(5)), text="utterance", label="intent")
    assert "'text' must name a column; got 'utterance'" in message
    assert "'label' must name a column; got 'intent'" in message
    assert "'id', 'text', 'label'" in message


def test_no_label_column_is_asked_for(refused, csv):
    message, _ = refused(csv("text,note\na b c,x1\nd e f,x2\ng h i,x3\n"))
    assert "name one as 'label'" in message


def test_twice_named_header(refused, csv):
    message, _ = refused(csv("text,label,label\na,b,c\n"))
    assert "'label' more than once" in message


def test_all_errors_are_told_together(refused, csv, tmp_path):
    csv("", "folder/a.csv")
    csv(rows_of(4, classes=1), "folder/b.csv")
    (tmp_path / "folder" / "c.jsonl").write_bytes(b"\0\0")
    _, errors = refused(tmp_path / "folder")
    assert set(errors) == {"empty", "one_class", "binary"}


def test_unknown_kind_of_file(refused, csv):
    message, _ = refused(csv("x", "data.docx"))
    assert ".jsonl" in message


def test_folder_without_data(refused, csv):
    message, _ = refused(csv("hello", "folder/notes.txt").parent)
    assert "holds no file" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(refused, csv):
    path = csv(rows_of(5))
    path.chmod(0)
    message, _ = refused(path)
    assert "cannot be read" in message


def test_hub_out_of_reach(refused, monkeypatch):
    monkeypatch.setattr("influence_core.hub.reachable", lambda: False)
    message, errors = refused("someone/something")
    assert set(errors) == {"hub"}
    assert "network" in message
    assert "\n" not in message


def test_an_error_removes_older_examples(loaded, refused, run, csv):
    loaded(csv(rows_of(10)))
    assert run.examples_file.exists()
    refused(csv("id,text,label\n"))


def test_hostile_text_goes_through_unchanged(loaded, run, csv):
    texts = [
        "=HYPERLINK(1)",
        "<script>alert(1)</script>",
        "![x](http://a.b/c)",
        "a\tb",
        "w " * 10_000,
    ]
    lines = [json.dumps({"text": text, "label": f"c{n % 2}"}) for n, text in enumerate(texts)]
    loaded(csv("\n".join(lines), "data.jsonl"))
    assert run.examples()["text"].tolist() == texts


def test_column_names_cannot_reach_sql(loaded, run, csv):
    path = csv('text,label,"a""; DROP TABLE kept; --"\none,a,1\ntwo,b,2\nthree,a,3\n')
    loaded(path)
    assert run.examples()['a"; DROP TABLE kept; --'].tolist() == [1, 2, 3]


def test_nested_label_is_refused(refused, csv):
    lines = [json.dumps({"text": f"t {n}", "label": [n % 2]}) for n in range(4)]
    message, _ = refused(csv("\n".join(lines), "data.jsonl"))
    assert "Column 'label' holds list" in message


def test_five_hundred_classes(loaded, csv):
    summary = loaded(csv(rows_of(5_000, classes=500)))
    assert len(summary.label_names) == 500
    assert all(summary.class_counts.values())


def test_source_file_is_left_alone(loaded, csv):
    path: Path = csv(rows_of(10))
    before = path.read_bytes()
    loaded(path)
    assert path.read_bytes() == before
