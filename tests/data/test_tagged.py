"""CoNLL and BIO files: what becomes text, slots and columns, and what is left out."""

from __future__ import annotations

import json
import random
import re
import tempfile
import tracemalloc
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influence_core.config import DataSettings
from influence_core.data import inspect
from influence_core.data.batches import BATCH_BYTES
from influence_core.data.json_lines import read_json_lines
from influence_core.data.rasa import read_json
from influence_core.data.spans import joined, located, slots_of
from influence_core.data.tagged import read_tagged

BOOKING = """\
# id: 17
# domain = travel
# intent: BookSeat
# text: Two seats to Novi Sad, please!
two\tB-count
seats\tO
to\tO
Novi\tB-city
Sad\tI-city
,\tO
please\tO

# id: 18
# domain = media
# intent: PlayMusic
play O
slow B-mood
waltzes B-genre
"""


def read(text: str | bytes, name: str = "data.conll") -> tuple[list[dict], list]:
    """Return the rows of a file and the rejected ones."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        batches = list(read_tagged(path))
    rows = [row for batch in batches for row in batch.table.to_pylist()]
    return rows, [row for batch in batches for row in batch.rejected]


def only(text: str) -> dict:
    [row], rejected = read(text)
    assert not rejected
    return row


def reason(text: str) -> str:
    rows, [rejected] = read(text)
    assert not rows
    assert rejected.check == "broken_tags"
    return rejected.reason


def slot(start: int, end: int, name: str) -> dict:
    return {"start": start, "end": end, "slot": name}


@pytest.mark.parametrize("name", ["a.conll", "a.bio", "a.IOB", "a.iob2"])
def test_an_annotated_file_is_loaded(loaded, run, csv, name):
    summary = loaded(csv(BOOKING, name))
    table = pq.read_table(run.examples_file)
    assert summary.rows == 2
    assert table["id"].to_pylist() == ["17", "18"]
    assert table["label"].to_pylist() == ["BookSeat", "PlayMusic"]
    assert table["domain"].to_pylist() == ["travel", "media"]
    assert table["text"].to_pylist() == ["Two seats to Novi Sad, please!", "play slow waltzes"]
    assert table["slots"].to_pylist() == [
        [slot(0, 3, "count"), slot(13, 21, "city")],
        [slot(5, 9, "mood"), slot(10, 17, "genre")],
    ]


def test_slots_have_the_type_that_json_lines_give_them(tmp_path):
    line = {"text": "play jazz", "intent": "Play", "slots": [slot(5, 9, "genre")]}
    lines, tags = tmp_path / "a.jsonl", tmp_path / "a.conll"
    lines.write_text(json.dumps(line), encoding="utf-8")
    tags.write_text("# intent: Play\nplay O\njazz B-genre\n", encoding="utf-8")
    [one], [other] = read_json_lines(lines), read_tagged(tags)
    assert one.table.equals(other.table)
    assert one.table.schema == other.table.schema


def test_a_batch_without_slots_has_their_type_too():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.bio"
        path.write_text("# intent: Stop\nstop O\n", encoding="utf-8")
        [batch] = read_tagged(path)
    assert str(batch.table.schema.field("slots").type).startswith("list<item: struct<start: int64")


@pytest.mark.parametrize(
    ("tags", "slots"),
    [
        ("B-a I-a O", [(0, 3, "a")]),
        ("I-a I-a O", [(0, 3, "a")]),
        ("B-a B-a I-a", [(0, 1, "a"), (2, 5, "a")]),
        ("I-a I-b I-b", [(0, 1, "a"), (2, 5, "b")]),
        ("I-a B-a O", [(0, 1, "a"), (2, 3, "a")]),
        ("B-a O I-a", [(0, 1, "a"), (4, 5, "a")]),
        ("B-a I-a E-a", [(0, 5, "a")]),
        ("B-a L-a U-a", [(0, 3, "a"), (4, 5, "a")]),
        ("S-a S-a O", [(0, 1, "a"), (2, 3, "a")]),
        ("B-a E-a I-a", [(0, 3, "a"), (4, 5, "a")]),
        ("B-from.city-name O O", [(0, 1, "from.city-name")]),
    ],
)
def test_tags_mark_slots(tags, slots):
    lines = [f"{token}\t{tag}" for token, tag in zip("xyz", tags.split(), strict=True)]
    row = only("\n".join(["# intent: a", *lines]))
    assert row["slots"] == [slot(*one) for one in slots]


@pytest.mark.parametrize(
    ("text", "tokens", "places"),
    [
        ("I'd go", ["I", "'d", "go"], [(0, 1), (1, 3), (4, 6)]),
        ("Go, go!", ["go", "go"], [(0, 2), (4, 6)]),
        ("no  no", ["no", "no"], [(0, 2), (4, 6)]),
        ("今日は", ["今日", "は"], [(0, 2), (2, 3)]),
        ("İ go", ["İ", "go"], [(0, 1), (2, 4)]),
        ("so", ["o"], None),
        ("go now", ["go"], None),
        ("go", ["go", "now"], None),
        ("now go", ["go", "now"], None),
    ],
)
def test_tokens_are_found_in_their_text(text, tokens, places):
    assert located(text, tokens) == places


def test_a_text_that_its_tokens_contradict_is_kept_beside_them():
    row = only("# text: play something else\n# intent: Play\nplay O\njazz B-genre\n")
    assert row["text"] == "play jazz"
    assert row["text_input"] == "play something else"
    assert row["slots"] == [slot(5, 9, "genre")]


def test_the_first_column_may_count_the_tokens():
    lines = "# slots: 5:9:genre\n# intent: Play\n1\tplay\tPlay\tO\n2\tjazz\tPlay\tB-genre\n"
    rows, rejected = read(f"{lines}\n# intent: Stop\n1\tstop\tStop\tO\n\n1\tso\tO\n")
    assert [row["text"] for row in rows] == ["play jazz", "stop", "so"]
    assert rows[0]["slots"] == [slot(5, 9, "genre")]
    assert rows[0]["slots_input"] == "5:9:genre"
    assert not rejected


def test_numbers_are_tokens_where_nothing_counts():
    rows, _ = read("# intent: a\none NUM O\n2 NUM B-n\n\n# intent: b\n1 NUM B-n\n2 NUM O\n")
    assert [row["text"] for row in rows] == ["one 2", "1 2"]


def test_two_columns_never_count():
    assert only("# intent: a\n1\tO\n2\tB-n\n")["text"] == "1 2"


def test_documents_remarks_and_blank_lines_are_no_rows():
    text = "-DOCSTART- -X- O\n\n# a remark, made by hand\n\n\n# intent: a\ngo O\n-DOCSTART- O\n"
    assert only(text) == {"text": "go", "intent": "a", "slots": []}


@pytest.mark.parametrize(
    ("line", "text"),
    [("#\tO", "# go"), ("#one\tB-tag", "#one go"), ("#this:that O", "#this:that go")],
)
def test_a_token_may_begin_like_a_comment(line, text):
    assert only(f"# intent: a\n{line}\ngo O\n".replace(" O", "\tO"))["text"] == text
    assert only(f"# intent: a\n{line}\ngo O\n")["text"] == text


@pytest.mark.parametrize("line", ["# intent: a b", "#intent: a b", "# intent=a b", "# intent :a b"])
def test_comments_are_understood_as_people_write_them(line):
    assert only(f"{line}\ngo O\n")["intent"] == "a b"


def test_a_comment_that_ends_like_a_token_is_a_comment():
    row = only("# intent: a\n# text: vitamin O\nvitamin O\nO B-letter\n")
    assert row["text"] == "vitamin O"
    assert row["slots"] == [slot(8, 9, "letter")]


def test_blanks_of_other_kinds_stay_in_their_tokens():
    assert only("# intent: a\n5\u00a0km B-length\naway O\n")["text"] == "5\u00a0km away"
    assert only("# intent: a\nNew York\tB-city\n")["slots"] == [slot(0, 8, "city")]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_ends_and_byte_order_marks(ending, encoding):
    content = BOOKING.replace("\n", ending).replace("Novi", "Niš").encode(encoding)
    rows, rejected = read(content)
    assert [row["id"] for row in rows] == ["17", "18"]
    assert rows[0]["text"] == "Two seats to Niš Sad, please!"
    assert not rejected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("go O\nnow\n", "line 3 ends in 'now', not in a tag"),
        ("go O\nnow X-y\n", "line 3 ends in 'X-y', not in a tag"),
        ("go B-\n", "line 2 ends in 'B-'"),
        ("go B\n", "line 2 ends in 'B'"),
        ("O\n", "line 2 has no token"),
        ("\tO\n", "line 2 has no token"),
        ("go V O\nnow O\n", "line 3 has 2 columns, the first of it has 3"),
        ("go O\n# intent: b\nstop O\n", "line 3 is a comment amid tokens"),
        ("# intent: b\ngo O\n", "line 2 gives 'intent' a second time"),
        ("", "no tokens follow the comments from line 1"),
    ],
)
def test_what_is_wrong_with_an_utterance_is_said(body, words):
    assert words in reason(f"# intent: a\n{body}")


def test_a_broken_utterance_is_left_out_alone(loaded, run, csv):
    good = [f"# intent: i{n % 2}\nword{n} O\n" for n in range(6)]
    text = "\n".join([*good[:2], "# intent: i0\nbroken\n", *good[2:]])
    summary = loaded(csv(text, "a.conll"))
    [rejected] = map(json.loads, run.rejected_file.read_text("utf-8").splitlines())
    assert summary.rows == 6
    assert rejected["row"] == 3
    assert rejected["values"] == "# intent: i0\nbroken"
    assert rejected["reason"].startswith("line 8 ends in 'broken'")
    [finding] = [one for one in summary.findings if one.check == "broken_tags"]
    assert (finding.count, finding.rows) == (1, (3,))
    assert run.examples()["id"].tolist() == [f"row-{n}" for n in range(1, 7)]


def test_half_a_file_loses_its_last_utterance_only():
    rows, [rejected] = read(BOOKING[: BOOKING.index("waltzes") + 4])
    assert [row["id"] for row in rows] == ["17"]
    assert "line 18 ends in 'walt'" in rejected.reason


def test_a_file_without_intents_is_told_how_to_say_them(refused, csv):
    message, errors = refused(csv("# id: 1\n# text: go\ngo O\n\n# id: 2\nstop O\n", "a.conll"))
    assert set(errors) == {"columns"}
    assert "'a.conll' does not say what its utterances mean" in message
    assert "`# intent: PlayMusic`" in message


def test_an_utterance_without_an_intent_is_left_out(loaded, csv):
    text = "".join(f"# intent: i{n % 2}\nword{n} O\n\n" for n in range(4))
    summary = loaded(csv(f"{text}lost O\n", "a.conll"))
    assert (summary.rows, summary.rejected) == (4, 1)
    assert "missing_label" in {finding.check for finding in summary.findings}


def test_a_later_batch_without_intents_keeps_the_columns(loaded, csv, monkeypatch):
    monkeypatch.setattr("influence_core.data.batches.BATCH_ROWS", 4)
    text = "".join(f"# intent: i{n % 2}\nword{n} O\n\n" for n in range(8))
    summary = loaded(csv(text + "lost O\n\nfound O\n", "a.conll"))
    assert (summary.rows, summary.rejected) == (8, 2)


def test_the_readme_shows_one_utterance_in_three_ways(tmp_path):
    readme = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8")
    blocks = re.findall(r"```(?:json|text)\n(.*?play.*?jazz.*?)```", readme, re.DOTALL)
    readers = [read_json_lines, read_tagged, read_json]
    for block, reader in zip(blocks, readers, strict=True):
        path = tmp_path / "shown"
        path.write_text(block, encoding="utf-8")
        [batch] = reader(path)
        [row] = batch.table.to_pylist()
        assert (row["text"], row["intent"]) == ("play some jazz", "PlayMusic")
        assert row["slots"] == [slot(10, 14, "genre")]
        assert not batch.rejected


def test_the_form_is_filled(csv):
    seen = inspect(DataSettings(source=str(csv(BOOKING, "a.conll"))))
    assert (seen.settings.text, seen.settings.label, seen.settings.id) == ("text", "intent", "id")
    assert [*seen.columns] == ["text", "id", "domain", "intent", "slots"]


def test_files_of_several_kinds_are_one_dataset(loaded, run, csv):
    line = {"id": "19", "text": "stop it", "intent": "Stop", "domain": "media", "slots": []}
    csv(BOOKING, "all/a.conll")
    folder = csv(json.dumps(line), "all/b.jsonl").parent
    assert loaded(folder).rows == 3
    assert run.examples()["slots"].map(len).tolist() == [2, 2, 0]


@pytest.mark.parametrize(
    ("content", "check"),
    [
        (b"", "empty"),
        (bytes(range(256)) * 10, "binary"),
        (b"\0" * 100, "binary"),
        ("# intent: a\ncafé O\n".encode("latin-1"), "encoding"),
        ("# intent: a\ngo O\n".encode("utf-16-le"), "encoding"),
        (b"\n\n   \n\n", "no_rows"),
        (b"# nothing but a remark\n", "no_rows"),
        (b"just some prose\nin a file\n\nwith a wrong name\n", "rejected"),
        (b"".join(b"# k%d: v\ngo O\n\n" % n for n in range(300)), "columns"),
    ],
)
def test_what_is_no_such_file_is_refused(refused, tmp_path, content, check):
    path = tmp_path / "a.conll"
    path.write_bytes(content)
    _, errors = refused(path)
    assert set(errors) == {check}


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text("#:=OBI-a1 \t\n\r\x0b\u00a0", max_size=60),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60),
    )
)
def test_no_text_breaks_the_reader(text):
    [first, *rows], _ = read(f"# intent: a\ngo O\n\n{text}")
    assert first["text"] == "go"
    for row in rows:
        assert all(0 <= one["start"] < one["end"] <= len(row["text"]) for one in row["slots"])


@pytest.mark.parametrize(
    "giant",
    ["x" * 600_000, "x O\n" * 70_000, "# text: " + "x" * 300_000],
    ids=["line", "utterance", "comment"],
)
def test_a_giant_is_left_out_alone(giant):
    rows, [rejected] = read(f"# intent: a\ngo O\n\n{giant}\n\n# intent: b\nstop O\n")
    assert [row["text"] for row in rows] == ["go", "stop"]
    assert rejected.reason == "the utterance from line 4 is longer than 262,144 characters"


def test_a_line_larger_than_memory_is_never_held(tmp_path):
    path = tmp_path / "a.conll"
    path.write_bytes(b"# intent: a\n" + b"x" * 30_000_000)
    assert peak_of(path) < 10_000_000


def test_memory_is_bounded_by_the_batch(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text(("# intent: a\n" + "word B-slot\n" * 20 + "\n") * 10_000, encoding="utf-8")
    assert sum(batch.table.num_rows for batch in read_tagged(path)) == 10_000
    assert peak_of(path) < 1.5 * BATCH_BYTES


def peak_of(path: Path) -> int:
    """Return the bytes of Python objects that reading a file takes at most."""
    tracemalloc.start()
    try:
        for _ in read_tagged(path):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


words = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="#"),
    min_size=1,
    max_size=8,
).filter(lambda word: word.strip() == word and word != "-DOCSTART-")


@st.composite
def utterances(draw: st.DrawFn) -> tuple[list[str], list[dict]]:
    """Return words, and spans on their borders that do not overlap."""
    tokens = draw(st.lists(words, min_size=1, max_size=8))
    starts = [len(" ".join(tokens[:place])) + (place > 0) for place in range(len(tokens))]
    spans, place = [], 0
    while place < len(tokens):
        length = draw(st.integers(0, len(tokens) - place))
        if length:
            last = place + length - 1
            name = draw(st.sampled_from(["a", "b-c", "d.e"]))
            spans.append(slot(starts[place], starts[last] + len(tokens[last]), name))
        place += max(length, 1)
    return tokens, spans


def tagged_lines(tokens: list[str], spans: list[dict], scheme: str, divider: str) -> list[str]:
    """Write an utterance down, going from word to word."""
    lines, start, before = [], 0, None
    for token in tokens:
        span = next((one for one in spans if one["start"] <= start < one["end"]), None)
        opens = span is not None and span["start"] == start
        if scheme == "IOB1":
            opens = opens and before is not None and before["slot"] == span["slot"]
        tag = "O" if span is None else f"{'B' if opens else 'I'}-{span['slot']}"
        lines.append(f"{token}{divider}{tag}")
        start, before = start + len(token) + 1, span
    return lines


@settings(max_examples=80, deadline=None)
@given(
    st.lists(utterances(), min_size=1, max_size=5),
    st.sampled_from(["BIO", "IOB1"]),
    st.sampled_from([" ", "\t", "  "]),
    st.booleans(),
)
def test_spans_on_word_borders_survive(data, scheme, divider, with_text):
    blocks = []
    for tokens, spans in data:
        said = [f"# text: {' '.join(tokens)}"] if with_text else []
        lines = tagged_lines(tokens, spans, scheme, divider)
        blocks.append("\n".join(["# intent: a", *said, *lines]))
    rows, rejected = read("\n\n".join(blocks))
    assert not rejected
    assert [row["text"] for row in rows] == [" ".join(tokens) for tokens, _ in data]
    assert [row["slots"] for row in rows] == [spans for _, spans in data]


def test_joined_tokens_lie_where_they_are_said_to() -> None:
    generator = random.Random(3)
    tokens = ["x" * generator.randint(1, 5) for _ in range(30)]
    text, places = joined(tokens)
    assert [text[start:end] for start, end in places] == tokens
    assert slots_of(["O"] * 30, places) == []


def test_batches_are_closed_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr("influence_core.data.batches.BATCH_ROWS", 7)
    path = tmp_path / "a.conll"
    path.write_text("# intent: a\ngo O\n\n" * 20, encoding="utf-8")
    batches = list(read_tagged(path))
    assert [batch.table.num_rows for batch in batches] == [7, 7, 6]
    assert [row for batch in batches for row in batch.rows] == list(range(1, 21))
    assert batches[-1].share == 1.0
