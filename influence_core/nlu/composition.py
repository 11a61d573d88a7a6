"""What the domains of an experiment are made of: rows, sources, variety, hardness, and models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from influence_core.nlu import by_source
from influence_core.nlu.figures import StackFindings
from influence_core.nlu.hardness import hardness
from influence_core.nlu.material import Part

if TYPE_CHECKING:
    import pandas as pd

ENTROPIES = ("intent_entropy", "trail_entropy")
"""How varied a domain is, in bits."""

VOG = ("median_class", "median_dataset", "mean_dataset", "std_dataset")
"""Figures of VoG by which the domains are told, by the normalisation they are under."""

MODELS = "intents and slots"
"""What a domain is said to have whose models tell both."""


def composition(findings: StackFindings) -> pd.DataFrame:
    """Return what the training rows of every domain are like, the largest first.

    A domain that only test rows have stands last, and has no figures.

    Returns:
        Columns domain, rows, share (of all training rows), sources (share of the domain's rows by
        source, the empty mapping without a column of sources), intents, `ENTROPIES` as
        `domain_entropies` has them, `VOG`, and models: `MODELS`, or what the domain lacks that a
        model could tell.
    """
    material = findings.material
    told = findings.entropies().set_index("domain")
    names = [*told.index, *(name for name in material.domain_names if name not in told.index)]
    table = told.reindex(names).fillna({"rows": 0, "intents": 0})
    table = table.astype({"rows": int, "intents": int})
    table.insert(1, "share", table["rows"] / len(material.train_rows))
    sources = _sources(findings)
    table.insert(2, "sources", [sources.get(name, {}) for name in names])
    members = material.domains[material.train_rows]
    hard = hardness(findings, "domain", members, material.domain_names).iloc[1:]
    table[list(VOG)] = hard.set_index("domain")[list(VOG)].astype(float).reindex(names)
    models = {part.name: _models(part) for part in material.parts}
    return table.assign(models=[models[name] for name in names]).reset_index()


def _sources(findings: StackFindings) -> dict[str, dict[str, float]]:
    """Return the share of each source in the rows of every domain."""
    lines = by_source.composition(findings).dropna(subset=["domain"])
    return {
        str(domain): dict(zip(part["source"], part["share"], strict=True))
        for domain, part in lines.groupby("domain")
    }


def _models(part: Part) -> str:
    """Say what a domain's own models tell, or why there are none."""
    if not part.learnt:
        return "too few rows"
    lacks = (("one intent", part.says_intents), ("no slots", part.says_slots))
    return ", ".join(name for name, told in lacks if not told) or MODELS
