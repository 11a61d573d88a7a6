"""The built-in dataset: what people say to a voice assistant, made from a real grammar.

The sentence templates are those of `home-assistant-intents`; they are walked at random with a
seeded generator, so the same settings give the same bytes. Class sizes and traffic (`frequency`)
are Zipf-like, some rows are marked synthetic (`source`), and a known share of the training labels
is wrong (`label_is_wrong`, with `true_domain` and `true_intent`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from influence_core.config import BUILTIN_SOURCE, DataSettings
from influence_core.data.batches import Batch, Part
from influence_core.data.findings import failure, listed
from influence_core.data.spans import SLOTS
from influence_core.data.splits import SPLITS, assign
from influence_core.data.voice_assistant_domains import DOMAINS
from influence_core.data.voice_assistant_grammar import Speaker, Template, Utterance, templates_of

ROWS = 6_000
"""Rows asked for; small classes run out of sentences a little earlier."""

WRONG_SHARE = 0.03
"""Share of training rows whose label is wrong."""

MIN_INTENTS = 30
"""A language needs this many intents to be offered."""

MIN_TEMPLATES = 5
"""An intent with this many templates in a domain is split by template, any other by branch."""

_ATTEMPTS = 12
"""Walks for each row wanted before a template counts as exhausted."""

_VERBS = ("turn", "switch", "set", "open", "close", "play", "add", "start", "stop", "put", "lock")
"""First words after which 'can you' and 'please' sound right."""

_POLITE_SHARE = 0.15


@dataclass
class _Row:
    """A sentence with the request behind it."""

    template: Template
    utterance: Utterance


def parts(settings: DataSettings) -> list[Part]:
    """Return the built-in set as the one part of a source."""
    return [Part(name=BUILTIN_SOURCE, size=1, read=partial(_read, settings))]


def languages() -> list[str]:
    """Return the languages that can be asked for."""
    import home_assistant_intents

    return [
        language
        for language in sorted(home_assistant_intents.get_languages())
        if _intent_count(_grammar(language)) >= MIN_INTENTS
    ]


def build(settings: DataSettings) -> pa.Table:
    """Build the dataset: about 6,000 rows in a random order.

    Column `split_unit` says what kept rows together when they were split: the `template`, or the
    branch of the grammar where an intent has fewer than five templates.

    Raises:
        DataError: the language is not supported.
    """
    grammar = _supported(settings.language)
    generator = np.random.default_rng([settings.seed, *settings.language.encode()])
    templates = templates_of(settings.language, grammar)
    rows = _rows(settings.language, grammar, templates, generator)
    rows = [rows[place] for place in generator.permutation(len(rows))]
    units = _units(rows, templates)
    split = _split(rows, units, settings, generator)
    shown = _with_noise(rows, split, generator)
    pairs = [(row.template.domain, row.template.intent) for row in rows]
    return pa.table(
        {
            "id": [f"va-{settings.language}-{number:05d}" for number in range(len(rows))],
            "text": [row.utterance.text for row in rows],
            "intent": [intent for _, intent in shown],
            "domain": [domain for domain, _ in shown],
            "slots": pa.array([row.utterance.slots for row in rows], SLOTS),
            "frequency": _frequencies(rows, generator),
            "source": _sources(rows, generator),
            "label_is_wrong": [now != true for now, true in zip(shown, pairs, strict=True)],
            "true_domain": [domain for domain, _ in pairs],
            "true_intent": [intent for _, intent in pairs],
            "template": [unit for _, unit in units],
            "split_unit": [kind for kind, _ in units],
            "split": [SPLITS[code] for code in split],
        }
    )


def _read(settings: DataSettings) -> Iterator[Batch]:
    table = build(settings)
    yield Batch(table, range(1, table.num_rows + 1), 1.0)


def _grammar(language: str) -> dict[str, Any]:
    import home_assistant_intents

    return home_assistant_intents.get_intents(language) or {"intents": {}}


def _intent_count(grammar: dict[str, Any]) -> int:
    return sum(
        any(block["sentences"] for block in intent["data"])
        for intent in grammar["intents"].values()
    )


def _supported(language: str) -> dict[str, Any]:
    """Return the grammar of a language.

    Raises:
        DataError: it is unknown, or has too few intents.
    """
    known = languages()
    if language not in known:
        raise failure(
            "language",
            f"'language' must be one of {listed(known, len(known))}, the languages with at least "
            f"{MIN_INTENTS} intents; got {language!r}.",
        )
    return _grammar(language)


def _zipf(count: int, exponent: float) -> npt.NDArray[np.float64]:
    weights = 1.0 / np.arange(1, count + 1) ** exponent
    return np.asarray(weights / weights.sum())


def _rows(
    language: str,
    grammar: dict[str, Any],
    templates: Sequence[Template],
    generator: np.random.Generator,
) -> list[_Row]:
    """Return distinct sentences: Zipf-like sizes of domains, and of the intents within each."""
    speaker = Speaker(language, grammar, generator)
    rows: dict[str, _Row] = {}
    for domain, share in zip(DOMAINS, _zipf(len(DOMAINS), 0.9), strict=True):
        intents = _by_intent([item for item in templates if item.domain == domain.name])
        for pool, part in zip(intents, _zipf(len(intents), 0.8), strict=True):
            _fill(rows, pool, round(ROWS * share * part), speaker, language, generator)
    return list(rows.values())


def _by_intent(templates: Sequence[Template]) -> list[list[Template]]:
    """Group templates by intent, the intent of most templates first."""
    counts = Counter(template.intent for template in templates)
    intents = sorted(counts, key=lambda intent: (-counts[intent], intent))
    return [[item for item in templates if item.intent == intent] for intent in intents]


def _fill(
    rows: dict[str, _Row],
    pool: Sequence[Template],
    wanted: int,
    speaker: Speaker,
    language: str,
    generator: np.random.Generator,
) -> None:
    """Add up to `wanted` new sentences of a pool of templates, some templates more than others."""
    order = generator.permutation(len(pool))
    weights = _zipf(len(pool), 0.5)
    before = len(rows)
    for place in generator.choice(order, size=wanted * _ATTEMPTS, p=weights):
        if len(rows) - before == wanted:
            return
        template = pool[place]
        utterance = speaker.say(template)
        if language == "en":
            utterance = _politely(utterance, generator)
        if utterance.text:
            rows.setdefault(utterance.text, _Row(template, utterance))


def _politely(utterance: Utterance, generator: np.random.Generator) -> Utterance:
    """Put 'please' or 'can you' around some of the commands."""
    chance = generator.random()
    if chance > _POLITE_SHARE or not utterance.text.startswith(_VERBS):
        return utterance
    if chance < _POLITE_SHARE / 3:
        utterance.add(" please")
        return utterance
    start = "please " if chance < _POLITE_SHARE * 2 / 3 else "can you "
    shift = len(start)
    slots = [
        {**slot, "start": slot["start"] + shift, "end": slot["end"] + shift}
        for slot in utterance.slots
    ]
    return Utterance(start + utterance.text, slots)


def _units(rows: Sequence[_Row], templates: Sequence[Template]) -> list[tuple[str, str]]:
    """Return kind and name of what must not be divided between splits, for every row."""
    keys = {(template.domain, template.intent, template.key) for template in templates}
    counts = Counter((domain, intent) for domain, intent, _ in keys)
    return [
        ("template", row.template.key)
        if counts[row.template.domain, row.template.intent] >= MIN_TEMPLATES
        else ("branch", f"{row.template.key}: {row.utterance.skeleton}")
        for row in rows
    ]


def _split(
    rows: Sequence[_Row],
    units: Sequence[tuple[str, str]],
    settings: DataSettings,
    generator: np.random.Generator,
) -> npt.NDArray[np.int8]:
    _, classes = np.unique(
        [f"{row.template.domain} {row.template.intent}" for row in rows], return_inverse=True
    )
    _, groups = np.unique([name for _, name in units], return_inverse=True)
    return assign(
        classes,
        groups,
        validation_fraction=settings.validation_fraction,
        test_fraction=settings.test_fraction,
        generator=generator,
    )


def _with_noise(
    rows: Sequence[_Row], split: npt.NDArray[np.int8], generator: np.random.Generator
) -> list[tuple[str, str]]:
    """Return domain and intent of every row, both wrong for a share of the training rows."""
    pairs = [(row.template.domain, row.template.intent) for row in rows]
    all_pairs = sorted(set(pairs))
    train = np.flatnonzero(split == 0)
    for place in generator.choice(train, size=round(WRONG_SHARE * len(train)), replace=False):
        domain, intent = pairs[place]
        others = [pair for pair in all_pairs if pair[0] != domain and pair[1] != intent]
        pairs[place] = others[int(generator.integers(len(others)))]
    return pairs


def _frequencies(rows: Sequence[_Row], generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return how often each sentence is said: Zipf-like, short sentences rather often."""
    words = np.array([row.utterance.text.count(" ") for row in rows])
    ranks = np.empty(len(rows))
    ranks[np.argsort(words * 0.4 - generator.gumbel(size=len(rows)), kind="stable")] = np.arange(
        len(rows)
    )
    return np.asarray(1 + 20_000 / (ranks + 3), dtype=np.int64)


def _sources(rows: Sequence[_Row], generator: np.random.Generator) -> list[str]:
    shares = {domain.name: domain.synthetic for domain in DOMAINS}
    chances = generator.random(len(rows))
    return [
        "synthetic" if chance < shares[row.template.domain] else "traffic"
        for row, chance in zip(rows, chances, strict=True)
    ]
