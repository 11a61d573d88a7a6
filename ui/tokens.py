"""The tokens of an example, coloured by the variance of their gradients."""

from __future__ import annotations

import streamlit as st

from influence_core.errors import InfluenceError
from influence_core.store.rows import Example
from influence_core.store.run import Run
from ui import access, queries
from ui.wording import figure, plain


def show(run: Run, example: Example) -> None:
    """Answer which words the model kept changing its mind about."""
    from influence_core.scores.gradients.by_token import keeps_tokens, token_variances

    if not queries.ask(run, keeps_tokens):
        st.info(_why_none(run), icon=":material/info:")
        return
    if access.masked():
        st.info("The tokens are masked with the texts.", icon=":material/visibility_off:")
        return
    st.caption("**At which words did the gradient of the label change most over training?**")
    try:
        with st.spinner("Reading the tokens …"):
            found = queries.ask(run, token_variances, example.row)
    except InfluenceError as error:
        st.info(plain(error), icon=":material/info:")
        return
    _draw(found)


def _draw(found: tuple[object, ...]) -> None:
    import pandas as pd

    from influence_core.report.chips import legend, ratios, token_chips

    st.html(token_chips(found))
    st.html(legend())
    mean = sum(one.value for one in found) / len(found)
    st.caption(
        f"Colours compare a token with the mean of this text, {figure(mean)}, which is its VoG. A "
        "token that varies is one the model leant on differently as it learnt; that does not say "
        "whether the label is right. Small chips were added by the tokenizer."
    )
    table = pd.DataFrame(
        {
            "Token": [one.text for one in found],
            "Variance": [figure(one.value) for one in found],
            "Times the mean": [f"{ratio:.2f}" for ratio in ratios(found)],
        }
    )
    text = st.column_config.TextColumn
    with st.expander("As a table"):
        st.dataframe(
            table,
            hide_index=True,
            height=min(len(table), 10) * 35 + 38,
            column_config={
                "Token": text(width=130),
                "Variance": text(width=90, alignment="right"),
                "Times the mean": text(width=110, alignment="right"),
            },
        )


def _why_none(run: Run) -> str:
    """Say why a run tells no tokens apart, and what would."""
    if run.manifest().settings.origin == "probe":
        return (
            "Only a fine-tuned run tells words apart, and this one is a probe. A probe sees a text "
            "as one feature of a frozen encoder, so no word of it has a gradient of its own. A new "
            "run that fine-tunes the encoder, with VoG among its scores, shows them here."
        )
    return (
        "This run kept no gradients of tokens: they come with VoG, when an encoder is fine-tuned "
        "here or its checkpoints are scored."
    )
