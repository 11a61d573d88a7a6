"""Home: what this is, which runs there are, and where to go next."""

from ui import cards, queries, shell, walk

shell.header("Influence Scope", cards.PURPOSE)
cards.about()
found = queries.cards()
if found:
    cards.gallery(found)
    walk.show(shell.chosen_run())
    cards.next_steps(shell.chosen_run())
else:
    cards.welcome()
