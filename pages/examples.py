"""Examples: the hardest and the easiest, and how each was learnt."""

import streamlit as st

from ui import browser, shell

shell.header(
    "Examples", "Which texts are the hardest and the easiest, and how was each of them learnt?"
)
view = shell.lens()
if view is not None:
    query = browser.controls(view)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        chosen = browser.listing(view, query)
    if chosen is not None:
        with right:
            browser.detail(view, chosen)
