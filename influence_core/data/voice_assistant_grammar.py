"""Random sentences of a voice-assistant grammar, with the places of their slots."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    TextChunk,
)
from hassil.numbers import get_rbnf_engine
from hassil.parse_expression import parse_sentence

from influence_core.data.voice_assistant_domains import devices_of, domain_of
from influence_core.data.voice_assistant_english import RULES, is_said, rewritten
from influence_core.data.voice_assistant_names import KINDS, NAMES
from influence_core.data.voice_assistant_values import (
    ENGLISH,
    NEUTRAL,
    NUMBERS,
    OTHER_LANGUAGES,
    QUERIES,
)

_WORD_CHANCE = 0.4
"""How often a small number of hours, minutes or seconds is spelt out."""

_SPELT = range(2, 21)


@dataclass(frozen=True)
class Template:
    """One sentence template of an intent, for one kind of device ('' where there is none)."""

    key: str
    intent: str
    domain: str
    device: str
    expression: Expression
    rules: Mapping[str, Expression]


@dataclass
class Utterance:
    """A sentence under construction: its text, and its slots as character offsets."""

    text: str = ""
    slots: list[dict[str, Any]] = field(default_factory=list)

    def add(self, piece: str, slot: str | None = None) -> None:
        """Append a piece; white space never doubles and never leads."""
        piece = re.sub(r"\s+", " ", piece)
        if not self.text or self.text.endswith(" "):
            piece = piece.lstrip()
        start = len(self.text)
        self.text += piece
        if slot and piece:
            self.slots.append({"start": start, "end": len(self.text), "slot": slot})

    @property
    def skeleton(self) -> str:
        """The sentence with slot names in place of values: the branch of the grammar it took."""
        pieces, end = [], 0
        for slot in self.slots:
            pieces += [self.text[end : slot["start"]], "{", slot["slot"], "}"]
            end = slot["end"]
        return "".join([*pieces, self.text[end:]])


def templates_of(language: str, grammar: Mapping[str, Any]) -> list[Template]:
    """Return all templates of a language, parsed."""
    english = language == "en"
    rules = _rules({**grammar["expansion_rules"], **(RULES if english else {})})
    return [
        Template(
            key=f"{intent.removeprefix('Hass')}/{number}/{place}",
            intent=intent.removeprefix("Hass"),
            domain=domain_of(intent, device),
            device=device,
            expression=_parsed(rewritten(sentence, device) if english else sentence),
            rules={**rules, **_rules(block.get("expansion_rules") or {})},
        )
        for intent, content in grammar["intents"].items()
        for number, block in enumerate(content["data"])
        for place, sentence in enumerate(block["sentences"])
        for device in devices_of(block)
        if not english or is_said(sentence, block["metadata"]["slot_combination"])
    ]


def _rules(bodies: Mapping[str, str]) -> dict[str, Expression]:
    return {name: _parsed(body) for name, body in bodies.items()}


@cache
def _parsed(template: str) -> Expression:
    return parse_sentence(template).expression


class Speaker:
    """Walks parsed templates at random."""

    def __init__(
        self, language: str, grammar: Mapping[str, Any], generator: np.random.Generator
    ) -> None:
        self._language = language
        self._lists = grammar["lists"]
        self._generator = generator

    def say(self, template: Template) -> Utterance:
        """Return one random sentence of a template."""
        utterance = Utterance()
        self._walk(template.expression, template, utterance)
        utterance.text = utterance.text.rstrip()
        return utterance

    def _walk(self, expression: Expression, template: Template, utterance: Utterance) -> None:
        if isinstance(expression, TextChunk):
            utterance.add(expression.original_text)
        elif isinstance(expression, RuleReference):
            self._walk(template.rules[expression.rule_name], template, utterance)
        elif isinstance(expression, ListReference):
            utterance.add(self._value(expression, template), expression.slot_name)
        elif isinstance(expression, Alternative):
            self._walk(self._pick(expression.items), template, utterance)
        elif isinstance(expression, Permutation):
            for place in self._generator.permutation(len(expression.items)):
                utterance.add(" ")
                self._walk(expression.items[place], template, utterance)
                utterance.add(" ")
        elif isinstance(expression, Group):
            for item in expression.items:
                self._walk(item, template, utterance)

    def _value(self, reference: ListReference, template: Template) -> str:
        """Return a value of a list: our own if there are any, else the grammar's."""
        name = reference.list_name
        if name in NUMBERS:
            return self._number(self._pick(NUMBERS[name]), spelt=name.startswith("timer"))
        if name == "name" and self._language == "en":
            return self._device(template)
        own = _own_values(self._language, name)
        if own:
            return str(self._pick(own))
        content = self._lists.get(name, {})
        if "range" in content:
            span = content["range"]
            return str(self._generator.integers(span["from"], span["to"] + 1))
        if "values" in content:
            return self._listed(content["values"], template)
        return str(self._pick(QUERIES))

    def _listed(self, values: Sequence[Any], template: Template) -> str:
        value = self._pick(values)
        spoken = Utterance()
        text = value["in"] if isinstance(value, dict) else str(value)
        self._walk(_parsed(text), template, spoken)
        return spoken.text.strip()

    def _device(self, template: Template) -> str:
        kind = KINDS.get(template.device, template.device)
        return str(self._pick(NAMES.get(kind, NAMES["switch"])))

    def _number(self, number: float, spelt: bool) -> str:
        if spelt and number in _SPELT and self._generator.random() < _WORD_CHANCE:
            return _spelt(self._language, int(number))
        return f"{number:g}"

    def _pick(self, items: Sequence[Any]) -> Any:
        return items[int(self._generator.integers(len(items)))]


def _own_values(language: str, name: str) -> Sequence[str]:
    if name == "search_query" and language != "en":
        return QUERIES
    if language == "en":
        return ENGLISH.get(name, ())
    values = OTHER_LANGUAGES.get(language, NEUTRAL)
    return values.get("item" if name.endswith("_item") else name, ())


@cache
def _spelt(language: str, number: int) -> str:
    try:
        return str(get_rbnf_engine(language).format_number(number).text)
    except ValueError:
        return str(number)
