"""Run: from a source to scores, with a check before and live progress after."""

from ui import launch, overview, shell

shell.header("Run", "From your texts to scores: check the data, choose how, watch it work.")
run = overview.chosen_view()
if run is None:
    launch.form()
else:
    overview.show(run)
