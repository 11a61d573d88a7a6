"""Home: what this is, which runs there are, and where to go next."""

from ui import cards, queries, shell, walk

shell.header("Influence Scope", cards.PURPOSE)
cards.about()
found = queries.cards()
if found:
    cards.gallery(found)
    demo = walk.demo_run(found, shell.chosen_run())
    if demo is not None:
        walk.show(demo)
    cards.next_steps(shell.chosen_run())
else:
    cards.welcome()
