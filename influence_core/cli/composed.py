"""What the domains of an experiment with stacks are made of, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from influence_core.cli.terminal import fill, known, output, plain, table
from influence_core.nlu import paper as printed
from influence_core.nlu.composition import ENTROPIES, VOG, composition

if TYPE_CHECKING:
    import pandas as pd

    from influence_core.nlu.figures import StackFindings

_FIGURES = (
    *("intent bits#", "slot trail bits#"),
    *("class median#", "dataset median#", "dataset mean#", "dataset std#"),
)


def print_composition(findings: StackFindings, paper: bool = False) -> None:
    """Print what every domain is made of, how varied and how hard it is, and its models."""
    console, found = output(), composition(findings)
    sources = list(dict.fromkeys(name for shares in found["sources"] for name in shares))
    heads = ("rows#", "share#", *(f"{plain(name)}#" for name in sources), "intents#")
    console.print("\nby domain: what its training rows are like")
    columns = table("domain", *heads, *_FIGURES, "models")
    console.print(fill(columns, _lines(found, sources)))
    console.print(
        "  bits: entropy of the domain's intents, and of the slots within an intent. VoG is in\n"
        "  standard deviations. A domain of too few rows is given its usual intent"
    )
    if paper:
        console.print(
            "\nthe paper's figures; share of all rows, and of synthetic ones in the domain"
        )
        columns = table("domain", "share#", "synthetic#", *_FIGURES)
        console.print(fill(columns, map(_printed, printed.composition().to_dict("records"))))


def _lines(found: pd.DataFrame, sources: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for line in found.to_dict("records"):
        shares = (known(line["sources"].get(name, float("nan")), ".1%") for name in sources)
        rows = (f"{line['rows']:,}", f"{line['share']:.1%}")
        yield (line["domain"], *rows, *shares, line["intents"], *_figures(line, 2), line["models"])


def _printed(line: dict[Any, Any]) -> tuple[object, ...]:
    return (line["domain"], line["share"], line["synthetic"], *_figures(line, 1))


def _figures(line: dict[Any, Any], digits: int) -> Iterator[str]:
    """Word the entropies with some digits, and VoG; standard deviations have no sign."""
    yield from (known(line[name], f".{digits}f") for name in ENTROPIES)
    yield from (known(line[name], ".2f" if name.startswith("std") else "+z.2f") for name in VOG)
