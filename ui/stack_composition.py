"""What the domains are made of: rows, sources, how varied and how hard they are, and models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core.nlu import composition as composed
from influence_core.nlu import paper
from influence_core.nlu.experiment import StackExperiment
from ui import plots, queries, stack_sources
from ui.stacks import findings, lined, settings
from ui.wording import count, percent, plain

if TYPE_CHECKING:
    import pandas as pd

_FIGURES = {
    "intent_entropy": "Intent bits",
    "trail_entropy": "Slot bits",
    "median_class": "VoG, class",
    "median_dataset": "VoG, data",
    "mean_dataset": "Mean",
    "std_dataset": "Std",
}
"""Figures of a table, in the order of the paper."""


def composition(experiment: StackExperiment) -> pd.DataFrame:
    """Return what the training rows of every domain are like."""
    return composed.composition(findings(experiment))


def show(experiment: StackExperiment) -> None:
    """Draw the table of the domains, and the paper's."""
    plots.question("How varied is what people say in a domain?")
    found = queries.ask(experiment, composition)
    most = found.sort_values("trail_entropy", ascending=False, kind="stable").iloc[0]
    st.markdown(
        f"The slots of **{plain(most['domain'])}** vary most: {most['trail_entropy']:.1f} bits "
        f"within an intent, as if each were said in {count(2 ** most['trail_entropy'])} ways "
        "equally often."
    )
    lined(_table(experiment, found), words=2)
    st.caption(
        "Intent bits: entropy of the intents of the domain's training rows. Slot bits: entropy of "
        "the slots and their values within an intent, the mean over these rows; it grows with "
        "them. VoG: medians, in standard deviations of the class and of the whole data, and of "
        "the latter mean and standard deviation. A domain of too few rows is given its most "
        "frequent intent, and no slots."
    )
    with st.expander("The paper's figures, which are of another assistant"):
        lined(_printed(paper.composition()))
        st.caption("Share: of all rows. Synthetic: the share of such rows in the domain.")


def _table(experiment: StackExperiment, found: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "Domain": found["domain"],
            "Models": found["models"],
            "Rows": found["rows"].map(count),
            "Share": found["share"].map(percent),
            **_sources(experiment, found),
            "Intents": found["intents"].map(count),
            **_figures(found, 2),
        }
    )


def _sources(experiment: StackExperiment, found: pd.DataFrame) -> dict[str, list[str]]:
    """Return the share of each source in every domain, unless the sources may be texts."""
    if stack_sources.known(experiment.run, settings(experiment).source) is None:
        return {}
    names = dict.fromkeys(name for shares in found["sources"] for name in shares)
    return {
        f"From {name}": [percent(shares.get(name)) for shares in found["sources"]] for name in names
    }


def _printed(found: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    words = {"Domain": found["domain"], "Share": found["share"], "Synthetic": found["synthetic"]}
    return pd.DataFrame({**words, **_figures(found, 1)})


def _figures(found: pd.DataFrame, digits: int) -> dict[str, list[str]]:
    """Word the entropies with some digits, and VoG; what is never negative has no sign."""
    forms = {
        **dict.fromkeys(composed.ENTROPIES, f".{digits}f"),
        **dict.fromkeys(composed.VOG, "+z.2f"),
        "std_dataset": ".2f",
    }
    return {
        title: [f"{one:{forms[name]}}" if one == one else "–" for one in found[name]]
        for name, title in _FIGURES.items()
    }
