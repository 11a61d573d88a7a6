"""How varied the intents of a domain and the slots of an intent are, in bits, and a score of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.errors import ScoreError, rule
from influence_core.nlu.slots import Interpretation
from influence_core.selection.retention import class_entropy
from influence_core.selection.samplers import LINEAR_CLIP, LINEAR_EPSILON, clipped, hardness

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Trail = tuple[tuple[str, str], ...]
Intent = tuple[str, str]

OTHER = "other"
"""Name, in any case, under which some data hold the words that belong to no slot."""


def entropy(kinds: Iterable[Hashable]) -> float:
    """Return the Shannon entropy of a list of things, in bits.

    H = −Σ q log₂ q over the shares q of equal things: 0 where all are equal or there are none,
    log₂ n of n different ones. Their order is of no account.

    >>> entropy("aabc")
    1.5
    """
    return class_entropy(sorted(Counter(kinds).values()))


def trail(one: Interpretation) -> Trail:
    """Return the slots of a text as names and values, in its order.

    Values are in lower case, with one blank between words; slots named `other` are left out. A text
    without slots has the empty trail, a kind like any other.
    """
    return tuple(
        (slot.name, " ".join(one.value(slot).lower().split()))
        for slot in one.slots
        if slot.name.lower() != OTHER
    )


def intent_entropies(truth: Sequence[Interpretation]) -> pd.DataFrame:
    """Return the slot-label-trail entropy of each intent, the largest first.

    H(intent) is the entropy of the trails of the intent's rows, in bits, from 0 to log₂ of the
    rows. It grows with the rows, as values are seldom said twice. An intent of two domains counts
    as two.

    Returns:
        Columns domain, intent, rows, trails (how many differ), trail_entropy.

    Source: Anand, Tan, Minakova: Influence Scores at Scale for Efficient Language Data Sampling.
    EMNLP 2023 (arXiv 2311.16298).
    """
    import pandas as pd

    lines = [
        (*intent, len(trails), len(set(trails)), entropy(trails))
        for intent, trails in _trails(truth).items()
    ]
    table = pd.DataFrame(lines, columns=["domain", "intent", "rows", "trails", "trail_entropy"])
    order = ["rows", "domain", "intent"]
    return table.sort_values(order, ascending=[False, True, True], ignore_index=True)


def domain_entropies(truth: Sequence[Interpretation]) -> pd.DataFrame:
    """Return both entropies of each domain, the largest first.

    The intent-label entropy is that of the intents of the domain's rows, in bits, from 0 to log₂ of
    the intents. The slot-label-trail entropy is the mean of that of its intents, weighted by their
    rows, as is that of a row drawn at random.

    Returns:
        Columns domain, rows, intents, intent_entropy, trail_entropy.

    Source: as `intent_entropies`.
    """
    import pandas as pd

    by_intent = intent_entropies(truth)
    lines = [
        (
            domain,
            part["rows"].sum(),
            len(part),
            class_entropy(part["rows"]),
            np.average(part["trail_entropy"], weights=part["rows"]),
        )
        for domain, part in by_intent.groupby("domain", sort=True)
    ]
    columns = ["domain", "rows", "intents", "intent_entropy", "trail_entropy"]
    table = pd.DataFrame(lines, columns=columns)
    return table.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def row_entropies(truth: Sequence[Interpretation]) -> Floats:
    """Return the slot-label-trail entropy of each row's intent (n,), in bits."""
    known = {intent: entropy(trails) for intent, trails in _trails(truth).items()}
    return np.array([known[one.domain, one.intent] for one in truth], dtype=np.float64)


def combined(vog: npt.ArrayLike, entropies: npt.ArrayLike) -> Floats:
    """Return the mean of VoG and entropy, each rescaled by `rescaled` (n,), in [ε, 1].

    High means hard and varied: what to keep. It says nothing of wrong labels.

    Args:
        vog: VoG of each row (n,), under either normalisation; a missing one counts as the median.
        entropies: trail entropy of each row's intent (n,), as `row_entropies` gives it.

    Raises:
        ScoreError: the two differ in length.

    Source: as `intent_entropies`.
    """
    one, other = hardness(vog), hardness(entropies)
    if one.shape != other.shape:
        raise ScoreError(rule("entropies", f"be of {len(one)} rows, as VoG", len(other)))
    return (rescaled(one) + rescaled(other)) / 2


def rescaled(values: Floats, clip: float = LINEAR_CLIP, epsilon: float = LINEAR_EPSILON) -> Floats:
    """Map values linearly to [ε, 1], as linear sampling weighs them (n,).

    ε is the least value, 1 the `clip` quantile and all above. Where all are equal they are 1.
    """
    return epsilon + (1 - epsilon) * clipped(values, clip)


def _trails(truth: Iterable[Interpretation]) -> dict[Intent, list[Trail]]:
    """Return the trails of the rows of every intent, intents of different domains apart."""
    trails: defaultdict[Intent, list[Trail]] = defaultdict(list)
    for one in truth:
        trails[one.domain, one.intent].append(trail(one))
    return trails
