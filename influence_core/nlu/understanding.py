"""What a kept stack understands of a typed text, and which training rows made it so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from influence_core.errors import ConfigError, rule
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.kept import (
    DOMAINS,
    INTENTS,
    TAGS,
    KeptDomain,
    KeptStack,
    Learnt,
    open_stack,
    within,
)
from influence_core.nlu.material import SLOTS
from influence_core.nlu.reading import Read, reader_of
from influence_core.nlu.slots import Slot, slots_of, spans
from influence_core.scores.pairwise.kernel import error, extremes, influence, joint_influence
from influence_core.scores.pairwise.question import check_readable
from influence_core.store.columns import catalogue
from influence_core.store.lookup import at
from influence_core.store.run import Run

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Wording = Callable[[Any, str], str]
"""Words what was said of a row, given the value of a column and the row's text."""


@dataclass(frozen=True)
class Option:
    """Something that could be chosen, and how likely the stack finds it."""

    name: str
    probability: float


@dataclass(frozen=True)
class Voice:
    """A training row that spoke for or against something; `label` is what was said of it there.

    `value` is gᵢ · g_q: how far a step on the row lowers the loss of what was chosen, in nats per
    unit of learning rate.
    """

    row: int
    id: str
    text: str
    label: str
    value: float


@dataclass(frozen=True)
class Voices:
    """The rows that spoke loudest for something, and those against it, loudest first."""

    proponents: tuple[Voice, ...] = ()
    opponents: tuple[Voice, ...] = ()


@dataclass(frozen=True)
class Choice:
    """A domain or an intent that was chosen among `options`, likeliest first.

    Where there are none, nothing was weighed: `remark` says why.
    """

    chosen: str
    options: tuple[Option, ...] = ()
    voices: Voices = Voices()
    remark: str = ""


@dataclass(frozen=True)
class Found:
    """A slot that was found; `confidence` is the probability of its least certain token's tag."""

    slot: Slot
    confidence: float
    voices: Voices


@dataclass(frozen=True)
class Understood:
    """What a stack understood of a text: domain, intent and slots, in the order of the text.

    `slot_names` are those that the domain knows; `slots_remark` says why no slot was looked for,
    and `unread` what of the text was not read.
    """

    text: str
    domain: Choice
    intent: Choice
    slots: tuple[Found, ...]
    slot_names: tuple[str, ...]
    slots_remark: str = ""
    unread: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Everything that was not done, and why, in a sentence each."""
        return tuple(filter(None, (self.unread, self.intent.remark, self.slots_remark)))

    def value(self, slot: Slot) -> str:
        """Return the characters of a slot."""
        return self.text[slot.start : slot.end]


def understand(experiment: StackExperiment, text: str, *, count: int = 5) -> Understood:
    """Follow a text through the kept stack of an experiment: its domain, its intent, its slots.

    Of every step it names the training rows that spoke loudest for what was chosen and against it,
    by their influence at the last layer of the step's head,

        influence(i, q) = gᵢ · g_q = (δᵢ · δ_q)(1 + hᵢ · h_q)

    with h the layer's input and δ = softmax(logits) − onehot(label); the label of the text is what
    was chosen. Within a domain its own rows speak. A slot's gradient is that of its tokens added
    up, and so is a row's, whose tokens all speak:

        influence(i, slot) = Σₜ Σₛ (δₜ · δₛ)(1 + hₜ · hₛ), tokens t of row i, s of the slot

    TracIn sums this over checkpoints. Here the final weights alone are asked, of which alone the
    stack is kept: a row that is learnt well has hardly an error left, and hardly speaks, however
    much it taught. The loudest are therefore alike and still not learnt, often because they are
    hard or wrongly labelled; and the surer the stack is of the text, the quieter all of them are.

    Cost: the text goes through one encoder, or through two of a fine-tuned stack, which are loaded
    the first time; then a few small matrix products for each training row, and each token of the
    domain's rows for every slot.

    Args:
        experiment: one that kept a stack.
        text: what is said to the assistant.
        count: most rows to return of each side.

    Returns:
        What was understood. Rows are the loudest first, ties by id.

    Raises:
        RunError: the experiment kept no stack.
        DataError: the text is blank, or no valid Unicode.
        ConfigError: `count` is below 1.
        ModelError: the encoder cannot be loaded any more.

    Source: Pruthi et al.: Estimating Training Data Influence by Tracing Gradient Descent. NeurIPS
    2020. arXiv:2002.08484
    """
    if count < 1:
        raise ConfigError(rule("count", "be at least 1", count))
    check_readable("text", text)
    asked = _Asked(experiment, open_stack(experiment), text, count)
    return asked.answer()


@dataclass(frozen=True)
class _Asked:
    """A text that is asked about."""

    experiment: StackExperiment
    stack: KeptStack
    text: str
    count: int

    @property
    def run(self) -> Run:
        """The run whose rows speak."""
        return self.experiment.run

    def answer(self) -> Understood:
        """Go through the steps, one after the other."""
        read = self._read(DOMAINS)
        names = [one.name for one in self.stack.facts.domains]
        domain = self._chosen(DOMAINS, names, read, "label")
        number = names.index(domain.chosen)
        part = self.stack.facts.domains[number]
        own = read if self.stack.facts.mode == "probe" else self._read_within(number, part)
        return Understood(
            text=self.text,
            domain=domain,
            intent=self._intent(number, part, own),
            slots=tuple(self._slots(number, part, own)),
            slot_names=part.slot_names,
            slots_remark=_without_slots(part),
            unread=_unread(read),
        )

    def _read(self, name: str) -> Read:
        facts = self.stack.facts
        reader = reader_of(self.stack.reads(name), facts.precision)
        return reader.read(self.text, halve=facts.mode == "probe")

    def _read_within(self, number: int, part: KeptDomain) -> Read | None:
        """Read with the domain's own encoder, if it has one."""
        tuned = part.says_intents or part.says_slots
        return self._read(within(number)) if tuned else None

    def _chosen(self, name: str, names: Sequence[str], read: Read, column: str) -> Choice:
        """Choose by a head of texts; the column tells what was said of the rows."""
        learnt = self.stack.learnt(name)
        given = learnt.head.inputs(read.feature)
        odds = _softmax(learnt.head.logits(given))[0]
        best = int(odds.argmax())
        order = np.argsort(-odds, kind="stable")
        wrong = error(learnt.head, given[0], best)
        values = influence(learnt.head, learnt.inputs, learnt.labels, given[0], wrong)
        return Choice(
            chosen=names[best],
            options=tuple(Option(names[place], float(odds[place])) for place in order),
            voices=self._voices(learnt.rows, values, column, _as_it_is),
        )

    def _intent(self, number: int, part: KeptDomain, read: Read | None) -> Choice:
        if read is None or not part.says_intents:
            return Choice(next(iter(part.intents), ""), remark=_without_intents(part))
        column = self.experiment.manifest().settings.intent
        return self._chosen(within(number, INTENTS), part.intents, read, column)

    def _slots(self, number: int, part: KeptDomain, read: Read | None) -> Iterator[Found]:
        """Find the slots, and weigh every row of the domain for each of them."""
        if read is None or not part.says_slots:
            return
        learnt = self.stack.learnt(within(number, TAGS))
        given = learnt.head.inputs(read.states)
        odds = _softmax(learnt.head.logits(given))
        told = odds.argmax(axis=1)
        for slot in spans([part.tags[one] for one in told], read.offsets, self.text):
            tokens = _tokens_of(slot, read, told)
            yield Found(
                slot=slot,
                confidence=float(odds[tokens, told[tokens]].min()),
                voices=self._slot_voices(learnt, slot, given[tokens], told[tokens]),
            )

    def _slot_voices(
        self, learnt: Learnt, slot: Slot, queries: npt.NDArray[np.floating], told: Integers
    ) -> Voices:
        pairs = zip(queries, told, strict=True)
        errors = np.stack([error(learnt.head, query, int(tag)) for query, tag in pairs])
        values = joint_influence(learnt.head, learnt.inputs, learnt.labels, queries, errors)
        rows, starts = np.unique(learnt.rows, return_index=True)
        column = self.experiment.manifest().settings.slots or SLOTS
        wording = partial(_slots_of_row, first=slot.name)
        return self._voices(rows, np.add.reduceat(values, starts), column, wording)

    def _voices(self, rows: Integers, values: Doubles, column: str, wording: Wording) -> Voices:
        """Return the loudest of rows; a column tells what was said of them, when it is worded."""
        ids = at(self.run, catalogue(self.run).get("id"), rows).to_numpy()
        sides = (extremes(side, ids, self.count) for side in (values, -values))
        named = (self._named(rows[places], values[places], column, wording) for places in sides)
        return Voices(*named)

    def _named(
        self, rows: Integers, values: Doubles, column: str, wording: Wording
    ) -> tuple[Voice, ...]:
        known, columns = catalogue(self.run), ("id", "text", column)
        ids, texts, said = (at(self.run, known.get(name), rows).to_pylist() for name in columns)
        labels = map(wording, said, texts)
        found = zip(rows.tolist(), ids, texts, labels, values.tolist(), strict=True)
        return tuple(Voice(*one) for one in found)


def _softmax(logits: npt.NDArray[np.floating]) -> Doubles:
    odds: Doubles = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def _tokens_of(slot: Slot, read: Read, told: Integers) -> Integers:
    """Return the tokens that make a slot: those within it whose tag is one of a slot."""
    within_it = [
        start < end and start < slot.end and slot.start < end for start, end in read.offsets
    ]
    return np.flatnonzero(np.array(within_it) & (told > 0))


def _as_it_is(value: Any, _: str) -> str:
    return str(value)


def _slots_of_row(value: Any, text: str, first: str) -> str:
    """Return the slots of a row as `name: value`: those of one name first, in the text's order."""
    slots = sorted(slots_of(value, text), key=lambda one: one.name != first)
    return ", ".join(f"{one.name}: {text[one.start : one.end]}" for one in slots)


def _unread(read: Read) -> str:
    if not read.full:
        return ""
    return f"The text fills all {read.limit} tokens that are read: what is beyond is not."


def _without_intents(part: KeptDomain) -> str:
    """Say why the intents of a domain were not weighed."""
    if not part.rows:
        return f"No training row is of domain {part.name!r}: it has no intents."
    if part.small:
        return f"{_too_few(part)} intents: it is given the most frequent one."
    return f"All training rows of domain {part.name!r} have one intent: none was weighed."


def _without_slots(part: KeptDomain) -> str:
    """Say why no slots were looked for within a domain, if none were."""
    if part.says_slots:
        return ""
    if part.rows and part.small:
        return f"{_too_few(part)} slots: none was looked for."
    return f"No training row of domain {part.name!r} has a slot: none was looked for."


def _too_few(part: KeptDomain) -> str:
    return f"Domain {part.name!r} has too few training rows, {part.rows:,}, to learn its"
