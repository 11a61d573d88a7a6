"""The JSON of Rasa NLU: its examples as rows, in whatever JSON they lie."""

from __future__ import annotations

import io
import json
import tracemalloc
from contextlib import suppress
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influence_core.config import DataSettings
from influence_core.data import inspect
from influence_core.data.json_document import BrokenDocument, Document
from influence_core.data.json_lines import read_json_lines
from influence_core.data.rasa import read_json

TRIP = {
    "text": "a train from Zagreb to Split",
    "intent": "travel",
    "entities": [
        {"start": 13, "end": 19, "value": "Zagreb", "entity": "city", "role": "from"},
        {"start": 23, "end": 28, "value": "split", "entity": "city", "role": "to"},
    ],
}
LAMP = {
    "text": "dim the lamp",
    "intent": "light",
    "entities": [{"start": 8, "end": 12, "value": "lamp", "entity": "device"}],
}
STOP = {"text": "stop", "intent": "stop", "entities": []}


def document(*examples: Any, **others: Any) -> dict[str, Any]:
    return {"rasa_nlu_data": {**others, "common_examples": list(examples)}}


def slot(start: int, end: int, name: str) -> dict:
    return {"start": start, "end": end, "slot": name}


@pytest.fixture
def read(tmp_path):
    """Read JSON: return the rows and the rejected ones."""

    def call(content: Any) -> tuple[list[dict], list]:
        path = tmp_path / "nlu.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        batches = list(read_json(path))
        rows = [row for batch in batches for row in batch.table.to_pylist()]
        return rows, [row for batch in batches for row in batch.rejected]

    return call


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_training_data_is_loaded(loaded, run, csv, indent, encoding):
    text = json.dumps(document(TRIP, LAMP, STOP, regex_features=[{"name": "x"}]), indent=indent)
    summary = loaded(csv(text, "nlu.json", encoding))
    table = pq.read_table(run.examples_file)
    assert (summary.rows, summary.rejected) == (3, 0)
    assert table["text"].to_pylist() == [TRIP["text"], "dim the lamp", "stop"]
    assert table["label"].to_pylist() == ["travel", "light", "stop"]
    assert table["slots"].to_pylist() == [
        [slot(13, 19, "city.from"), slot(23, 28, "city.to")],
        [slot(8, 12, "device")],
        [],
    ]


def test_slots_have_the_type_that_json_lines_give_them(tmp_path):
    lines, rasa = tmp_path / "a.jsonl", tmp_path / "a.json"
    line = {"text": LAMP["text"], "intent": "light", "slots": [slot(8, 12, "device")]}
    lines.write_text(json.dumps(line), encoding="utf-8")
    rasa.write_text(json.dumps(document(LAMP)), encoding="utf-8")
    [one], [other] = read_json_lines(lines), read_json(rasa)
    assert one.table.equals(other.table)


def test_slots_stand_in_the_order_of_the_text(read):
    [row], _ = read(document({**TRIP, "entities": TRIP["entities"][::-1]}))
    assert row["slots"] == [slot(13, 19, "city.from"), slot(23, 28, "city.to")]


def test_entities_may_touch_but_not_overlap(read):
    ends = [{"entity": "a", "start": 2, "end": 4}, {"entity": "b", "start": 0, "end": 2}]
    rows, rejected = read(document({**STOP, "entities": ends}))
    assert (len(rows), rejected) == (1, [])
    ends[1]["end"] = 3
    rows, [rejected] = read(document({**STOP, "entities": ends}))
    assert (rows, rejected.reason.endswith("entities 'b' and 'a' overlap")) == ([], True)


def test_other_values_of_an_example_are_columns(read):
    rows, _ = read(document({**STOP, "metadata": {"by": "me"}, "id": 7}))
    assert rows == [
        {"text": "stop", "intent": "stop", "metadata": {"by": "me"}, "id": 7, "slots": []}
    ]


def test_examples_of_early_versions_are_read_too(read):
    data = {"intent_examples": [STOP], "entity_synonyms": [{"value": "a"}], "common_examples": []}
    rows, _ = read({"version": [1, {"a": "}"}], "rasa_nlu_data": data, "more": None})
    assert [row["text"] for row in rows] == ["stop"]


def test_plain_json_lines_stay_what_they_are(loaded, run, csv):
    lines = [{"text": f'say "rasa_nlu_data": {{ {n}', "label": f"c{n % 2}"} for n in range(4)]
    loaded(csv("\n".join(map(json.dumps, lines)), "data.json"))
    assert run.examples()["text"].tolist() == [line["text"] for line in lines]


def test_a_json_array_is_still_explained(refused, csv):
    message, _ = refused(csv(json.dumps([STOP]), "data.json"))
    assert "JSON lines" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": 5}, "its 'text' holds int"),
        ({"intent": ["a"]}, "its 'intent' holds list"),
        ({"entities": "none"}, "its 'entities' holds str"),
        ({"entities": [{"start": 0, "end": 2}]}, "an entity has no 'entity', its name"),
        ({"entities": ["city"]}, "an entity has no 'entity', its name"),
        ({"entities": [{"entity": "a", "start": 0}]}, "'a' has no whole numbers"),
        ({"entities": [{"entity": "a", "start": 0, "end": 2.0}]}, "'a' has no whole numbers"),
        ({"entities": [{"entity": "a", "start": False, "end": 2}]}, "'a' has no whole numbers"),
        ({"entities": [{"entity": "a", "start": 0, "end": 5}]}, "from 0 to 5 in a text of 4"),
        ({"entities": [{"entity": "a", "start": 2, "end": 2}]}, "from 2 to 2 in a text of 4"),
        ({"entities": [{"entity": "a", "start": -2, "end": 2}]}, "from -2 to 2 in a text of 4"),
        ({"text": "half a pair \ud83d"}, "surrogates not allowed"),
    ],
)
def test_what_is_wrong_with_an_example_is_said(read, change, words):
    rows, [rejected] = read(document(STOP, {**STOP, **change}, LAMP))
    assert [row["text"] for row in rows] == ["stop", "dim the lamp"]
    assert (rejected.row, rejected.check) == (2, "broken_example")
    assert words in rejected.reason


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ('{"text": "a" "intent": "b"}', "Expecting ',' delimiter"),
        ('{"text": nothing}', "Expecting value"),
        ('{"text": "a", }', "Illegal trailing comma|Expecting property name"),
        ("17", "it holds int"),
        ("null", "it holds NoneType"),
        ('["a", "}"]', "it holds list"),
        ("[" * 200_000 + "]" * 200_000, "it is nested too deeply"),
        ('{"n": ' + "9" * 5_000 + "}", "Exceeds the limit"),
    ],
)
def test_a_broken_example_does_not_hide_the_next(read, broken, words):
    examples = f"{json.dumps(STOP)},\n{broken},\n{json.dumps(LAMP)}"
    rows, [rejected] = read(f'{{"rasa_nlu_data": {{"common_examples": [\n{examples}]}}}}')
    assert [row["text"] for row in rows] == ["stop", "dim the lamp"]
    assert rejected.reason.startswith("the example on line 3 cannot be used: ")
    assert any(word in rejected.reason for word in words.split("|"))
    assert rejected.values == broken


def test_what_is_left_out_is_reported(loaded, run, csv):
    examples = [{**STOP, "text": f"stop {n}", "intent": f"i{n % 2}"} for n in range(6)]
    wrong = {**LAMP, "text": "dim"}
    without = {"text": "no intent here", "entities": []}
    text = json.dumps(document(*examples, wrong, without), indent=1)
    summary = loaded(csv(text, "nlu.json"))
    assert (summary.rows, summary.rejected) == (6, 2)
    rejected = [json.loads(line) for line in run.rejected_file.read_text("utf-8").splitlines()]
    assert [row["row"] for row in rejected] == [7, 8]
    assert "entity 'device' goes from 8 to 12 in a text of 3" in rejected[0]["reason"]
    assert rejected[1]["reason"] == "the label is missing"


def test_examples_without_any_intent_are_told_how_to_get_one(refused, csv):
    bare = {"text": "hello there", "intent": None}
    message, errors = refused(csv(json.dumps(document(bare, bare)), "nlu.json"))
    assert set(errors) == {"columns"}
    assert "'nlu.json' names no intent" in message


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_half_a_file_is_refused(refused, csv, share):
    text = json.dumps(document(*[STOP, LAMP, TRIP] * 10), indent=1)
    message, errors = refused(csv(text[: int(share * len(text))], "nlu.json"))
    assert set(errors) == {"broken_json"}
    assert "the file ends too early, it is cut off" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"rasa_nlu_data": {"common_examples": {}}}', "'{' where '[' should be"),
        ('{"rasa_nlu_data": {"common_examples": null}}', "'n' where '[' should be"),
        ('{"rasa_nlu_data": {"common_examples": [{} {}]}}', "'{' where ',' should be"),
        ('{"rasa_nlu_data": {"common_examples": [}]}', "'}' where a value should be"),
        ('{"rasa_nlu_data": {"common_examples": [,{}]}}', "',' where a value should be"),
        ('{"rasa_nlu_data": {"common_examples" []}}', "'[' where ':' should be"),
        ('{"rasa_nlu_data": {"regex_features": "' + "x" * 3_000_000, "never ends"),
        ('{"rasa_nlu_data": {"common_examples": [{"text": "' + "x" * 3_000_000, "never ends"),
        ('{"rasa_nlu_data": {"common_examples": [' + "[" * 3_000_000, "never ends"),
        ('{"rasa_nlu_data": {' + " " * 300_000, "cut off"),
    ],
)
def test_a_document_whose_structure_breaks_is_refused(refused, csv, text, words):
    message, errors = refused(csv(text, "nlu.json"))
    assert set(errors) == {"broken_json"}
    assert words in message


def test_the_line_of_the_break_is_named(refused, csv):
    text = '{"rasa_nlu_data": {\n"common_examples": [\n{},\n{"text": "a"}\n{}]}}'
    message, _ = refused(csv(text, "nlu.json"))
    assert "'nlu.json' cannot be read as JSON beyond line 5: there is '{'" in message


def test_a_comma_too_many_at_the_end_does_no_harm(read):
    rows, rejected = read(f'{{"rasa_nlu_data": {{"common_examples": [{json.dumps(STOP)},],}},}}')
    assert (len(rows), rejected) == (1, [])


def test_a_forgotten_quote_swallows_one_example_only(read):
    text = json.dumps(document(LAMP, STOP, TRIP), indent=1).replace(
        '"text": "stop"', '"text": "stop'
    )
    rows, [rejected] = read(text)
    assert [row["intent"] for row in rows] == ["light", "travel"]
    assert rejected.row == 2


def test_a_forgotten_quote_on_a_single_line_is_refused(refused, csv):
    text = json.dumps(document(LAMP, STOP, TRIP)).replace('"text": "stop"', '"text": "stop')
    _, errors = refused(csv(text, "nlu.json"))
    assert set(errors) == {"broken_json"}


@pytest.mark.parametrize(
    ("content", "check"),
    [
        (b"", "empty"),
        (b'{"rasa_nlu_data": {"common_examples": []}}', "no_rows"),
        (b'{"rasa_nlu_data": {}}', "no_rows"),
        (b'{"rasa_nlu_data": {\0\0\0', "binary"),
        ('{"rasa_nlu_data": {"common_examples": ["café"]}}'.encode("latin-1"), "encoding"),
        (json.dumps(document(STOP)).encode("utf-16-le"), "encoding"),
    ],
)
def test_what_is_no_such_file_is_refused(refused, tmp_path, content, check):
    path = tmp_path / "nlu.json"
    path.write_bytes(content)
    _, errors = refused(path)
    assert set(errors) == {check}


def test_the_form_is_filled(csv):
    seen = inspect(DataSettings(source=str(csv(json.dumps(document(LAMP, STOP)), "nlu.json"))))
    assert (seen.settings.text, seen.settings.label) == ("text", "intent")


def test_a_later_batch_without_intents_keeps_the_column(loaded, csv, monkeypatch):
    monkeypatch.setattr("influence_core.data.batches.BATCH_ROWS", 4)
    named = [{**STOP, "text": f"stop {n}", "intent": f"i{n % 2}"} for n in range(8)]
    summary = loaded(csv(json.dumps(document(*named, {"text": "a"}, {"text": "b"})), "nlu.json"))
    assert (summary.rows, summary.rejected) == (8, 2)


def test_memory_is_bounded_by_the_batch(tmp_path):
    path = tmp_path / "nlu.json"
    long = {**STOP, "note": "lorem ipsum " * 200}
    padding = [{"name": "x", "pattern": "y" * 1_000}] * 5_000
    path.write_text(json.dumps(document(*[long] * 15_000, lookup_tables=padding)), "utf-8")
    assert path.stat().st_size > 40 * 2**20
    tracemalloc.start()
    try:
        rows = sum(batch.table.num_rows for batch in read_json(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows == 15_000
    assert peak < 20 * 2**20


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Dripping(io.StringIO):
    """A file that hands out few characters at a time."""

    def read(self, size: int | None = -1) -> str:
        return super().read(3)


@settings(max_examples=150, deadline=None)
@given(st.lists(values, max_size=6), values, st.sampled_from([None, 1]), st.booleans())
def test_any_array_is_walked_through(elements, other, indent, escaped):
    text = json.dumps({"other": other, "a": elements}, indent=indent, ensure_ascii=escaped)
    for file in (io.StringIO(text), Dripping(text)):
        walked = Document(file)
        found = []
        for name in walked.members():
            if name == "a":
                found = list(walked.elements())
            else:
                walked.skip()
        assert [element.value for element in found] == elements
        assert not any(element.error for element in found)
        assert walked.line == text.count("\n") + 1


@settings(max_examples=200, deadline=None)
@given(st.text('{}[]",:\\ a1\n', max_size=40))
def test_no_text_breaks_the_walk(text):
    walked = Document(io.StringIO('{"a": [' + text))
    with suppress(BrokenDocument):
        for _ in walked.members():
            assert all(element.text for element in walked.elements())


def test_elements_know_their_lines() -> None:
    walked = Document(io.StringIO('[\n1,\n\n {"a":\n 2}\n, 3]'))
    found = list(walked.elements())
    assert [(element.line, element.text) for element in found] == [
        (2, "1"),
        (4, '{"a":\n 2}'),
        (6, "3"),
    ]
