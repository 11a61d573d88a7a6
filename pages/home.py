"""Home: what this is, which runs there are, and where to go next."""

from ui import cards, queries, shell

shell.header(
    "Influence Scope",
    "See which of your labelled texts matter, which labels look wrong, and what can go.",
)
found = queries.cards()
if found:
    cards.next_steps(shell.chosen_run())
    cards.gallery(found)
else:
    cards.welcome()
cards.about()
