"""The command that follows a sentence through a stack: `understand`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli.look import AsJson, RunName
from influence_core.cli.terminal import excerpt, fill, output, plain, print_json, table
from influence_core.store.run import open_run

if TYPE_CHECKING:
    from rich.console import Console

    from influence_core.nlu.understanding import Choice, Found, Understood, Voice, Voices

LISTED = 3
"""Domains and intents that are listed with their probabilities."""


def understand(
    name: RunName,
    text: Annotated[str, typer.Option(help="What is said to the assistant.")],
    stack: Annotated[
        str | None,
        typer.Option(help="Experiment whose stack is asked; the newest that kept one by default."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="Rows of each side.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Follow a sentence through a stack: its domain, its intent, its slots.

    Of every step it shows the training rows that spoke loudest for what was chosen and against it,
    at the final weights of the stack that an experiment of `influence nlu` kept.
    """
    from influence_core.nlu.kept import asked_stack
    from influence_core.nlu.understanding import understand as understood

    found = understood(asked_stack(open_run(name), stack), text, count=count)
    if as_json:
        print_json(_facts(found))
    else:
        _print(found)


def _facts(found: Understood) -> dict[str, Any]:
    slots = [
        {**one.slot._asdict(), "value": found.value(one.slot), **_judged(one)}
        for one in found.slots
    ]
    return {**asdict(found), "slots": slots}


def _judged(slot: Found) -> dict[str, Any]:
    return {"confidence": slot.confidence, "voices": asdict(slot.voices)}


def _print(found: Understood) -> None:
    console = output()
    console.print(plain(excerpt(found.text, None)))
    for remark in found.remarks:
        console.print(plain(f"  {remark}"))
    for step, choice in (("domain", found.domain), ("intent", found.intent)):
        console.print(plain(f"\n{step} {choice.chosen}{_odds(choice)}"))
        _print_voices(console, choice.voices)
    for one in found.slots:
        value = excerpt(found.value(one.slot), None)
        console.print(plain(f"\nslot {one.slot.name}: {value}, {one.confidence:.1%}"))
        _print_voices(console, one.voices)
    if found.slot_names and not found.slots:
        console.print("\nno slot")


def _odds(choice: Choice) -> str:
    """Return how likely it is, and what else is."""
    if not choice.options:
        return ""
    first, *others = choice.options[:LISTED]
    rest = "".join(f"; {one.name} {one.probability:.1%}" for one in others)
    return f", {first.probability:.1%}{rest}"


def _print_voices(console: Console, voices: Voices) -> None:
    if voices.proponents or voices.opponents:
        listed = table("spoke", "influence#", "said to be", "id", "text")
        console.print(fill(listed, _lines(voices)))


def _lines(voices: Voices) -> Iterator[tuple[object, ...]]:
    for side, rows in (("for", voices.proponents), ("against", voices.opponents)):
        yield from _side(side, rows)


def _side(side: str, rows: Iterable[Voice]) -> Iterator[tuple[object, ...]]:
    for one in rows:
        yield side, f"{one.value:+.4g}", one.label or "no slot", one.id, excerpt(one.text, None)
