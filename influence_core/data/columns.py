"""Which column is the text, the pair, the label, the id and the split: guessed or as named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from influence_core.config import BUILTIN_SOURCE, DataSettings
from influence_core.data.findings import Report, listed

_PAIRS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("sentence_a", "sentence_b"),
    ("question1", "question2"),
    ("text1", "text2"),
    ("text", "text_pair"),
    ("text_a", "text_b"),
    ("question", "sentence"),
    ("question", "passage"),
    ("query", "passage"),
)

_TEXTS = (
    "text",
    "utterance",
    "sentence",
    "premise",
    "question",
    "query",
    "content",
    "message",
    "comment",
    "review",
    "tweet",
    "body",
    "title",
    "document",
    "prompt",
    "input",
)

_LABELS = (
    "label",
    "labels",
    "label_text",
    "gold_label",
    "intent",
    "domain",
    "class",
    "category",
    "target",
    "topic",
    "sentiment",
    "emotion",
)

IDS = ("id", "guid", "uid", "uuid", "example_id", "pairid", "row_id", "idx", "index")

_SPLITS = ("split", "subset", "partition", "fold")

_SPLIT_WORDS = ("train", "test", "val", "dev", "eval")

_BUILTIN_LABEL = "domain"
"""The built-in set has intents too; its domains make the clearer demonstration."""

_LABEL_SHARE = 0.5
"""A column may be the label by content if at most this share of its values is distinct."""


@dataclass(frozen=True)
class Mapping:
    """The names of the input columns that take a role; None where a role is empty."""

    text: str
    label: str
    text_pair: str | None = None
    id: str | None = None
    split: str | None = None
    group: str | None = None

    @property
    def used(self) -> frozenset[str]:
        """Columns that become one of the five standard columns (a group column stays itself)."""
        roles = (self.text, self.label, self.text_pair, self.id, self.split)
        return frozenset(name for name in roles if name)


def guess(settings: DataSettings, head: pa.Table, report: Report) -> Mapping | None:
    """Return which column takes which role; None, with errors in the report, where it is unclear.

    What the settings name is taken, an empty name leaves a role empty, and the rest is guessed by
    the columns' names first, by the contents of the first rows second.
    """
    named = {
        role: getattr(settings, role) for role in ("text", "text_pair", "label", "id", "split")
    }
    if settings.source == BUILTIN_SOURCE and named["label"] is None:
        named["label"] = _BUILTIN_LABEL
    missing = _missing({**named, "group": settings.group}, head.column_names, report)
    free = [name for name in head.column_names if name not in named.values()]
    pair = _known_pair(named["text"], head.column_names, free)
    text = named["text"] or (pair and pair[0]) or _text(free, head)
    free = [name for name in free if name != text]
    text_pair = _first(named["text_pair"], pair[1] if pair and pair[0] == text else None)
    free = [name for name in free if name != text_pair]
    label = named["label"] or _label(free, head, report)
    if missing or not _complete(text, label, head.column_names, report):
        return None
    free = [name for name in free if name != label]
    mapping = Mapping(
        text=str(text),
        label=str(label),
        text_pair=text_pair,
        id=_first(named["id"], by_name(IDS, free)),
        split=_first(named["split"], _split(free, head)),
        group=settings.group or None,
    )
    _say(settings, mapping, report)
    return mapping


def _missing(
    named: dict[str, str | None], columns: Sequence[str], report: Report
) -> list[str | None]:
    """Report named columns that are not there."""
    missing = {role: name for role, name in named.items() if name and name not in columns}
    for role, name in missing.items():
        report.error(
            "columns",
            f"'{role}' must name a column; got {name!r}. The columns are {listed(columns, 30)}.",
        )
    return list(missing.values())


def _complete(text: str | None, label: str | None, columns: Sequence[str], report: Report) -> bool:
    if len(columns) == 1 and not (text and label):
        report.error(
            "columns",
            f"There is only one column, {columns[0]!r}: one of texts and one of labels are needed.",
        )
        return False
    for role, name in (("text", text), ("label", label)):
        if not name:
            report.error(
                "columns",
                f"No column looks like the {role}: name one as '{role}'. "
                f"The columns are {listed(columns, 30)}.",
            )
    return bool(text and label)


def _first(named: str | None, guessed: str | None) -> str | None:
    """Prefer the name that was given; an empty one means none."""
    return guessed if named is None else named or None


def by_name(candidates: Sequence[str], columns: Sequence[str]) -> str | None:
    """Return the column whose name comes first among the candidates, whatever its case."""
    lowered = {name.lower(): name for name in reversed(columns)}
    return next((lowered[name] for name in candidates if name in lowered), None)


def _known_pair(
    text: str | None, columns: Sequence[str], free: Sequence[str]
) -> tuple[str, str] | None:
    """Return the two columns of a pair of texts that usually come together."""
    for first, second in _PAIRS:
        left, right = by_name([first], columns), by_name([second], free)
        if left and right and (left == text if text else left in free):
            return left, right
    return None


def _text(columns: Sequence[str], head: pa.Table) -> str | None:
    return by_name(_TEXTS, columns) or _wordiest(columns, head)


def _wordiest(columns: Sequence[str], head: pa.Table) -> str | None:
    """Return the column of strings with the most words a row, two at least."""
    words = {
        name: pc.mean(pc.count_substring(head[name], " ")).as_py() or 0.0
        for name in columns
        if pa.types.is_string(head.schema.field(name).type)
    }
    best = max(words, key=lambda name: words[name], default=None)
    return best if best is not None and words[best] >= 1.0 else None


def _label(columns: Sequence[str], head: pa.Table, report: Report) -> str | None:
    """Guess the label by name, else by few distinct values; say what else it could be."""
    names = [name for name in columns if name.lower() in _LABELS]
    label = by_name(_LABELS, names)
    if label is None:
        names = [name for name in columns if _few_values(head[name])]
        label = min(names, key=lambda name: pc.count_distinct(head[name]).as_py(), default=None)
    others = [name for name in names if name != label]
    if others:
        report.info(
            "columns",
            f"Column {label!r} is taken as the label; {listed(others)} could be it too: "
            "name the one you mean as 'label'.",
        )
    return label


def _few_values(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return False
    distinct = pc.count_distinct(column).as_py()
    return bool(2 <= distinct <= max(2, _LABEL_SHARE * len(column)))


def _split(columns: Sequence[str], head: pa.Table) -> str | None:
    """Guess the split column by name, if its first value reads like a split."""
    name = by_name(_SPLITS, columns)
    if name is None or head.num_rows == 0:
        return name
    value = str(head[name][0].as_py()).lower()
    return name if value.startswith(_SPLIT_WORDS) else None


def _say(settings: DataSettings, mapping: Mapping, report: Report) -> None:
    """Tell which roles were guessed."""
    guessed = [
        f"{name!r} as the {role.replace('_', ' ')}"
        for role in ("text", "text_pair", "label", "id", "split")
        if (name := getattr(mapping, role)) and getattr(settings, role) is None
    ]
    if guessed:
        report.info("columns", f"Guessed by name and content: {', '.join(guessed)}.")
