"""Examples: the hardest and the easiest, and how each was learnt."""

import streamlit as st

from ui import browser, influence, shell

shell.header(
    "Examples", "Which texts are the hardest and the easiest, and how was each of them learnt?"
)
view = shell.lens()
if view is not None:
    if browser.controls(view):
        chosen = browser.sides(view)
        if chosen is not None:
            browser.detail(view, chosen, across=True)
    else:
        left, right = st.columns([3, 2], gap="medium")
        with left:
            chosen = browser.listing(view)
        if chosen is not None:
            with right:
                browser.detail(view, chosen)
    influence.ask(view.run)
