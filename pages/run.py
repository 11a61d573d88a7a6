"""Run: from a source to scores, with a check before and live progress after."""

from ui import access, launch, overview, shell

shell.header("Run", "From your texts to scores: check the data, choose how, watch it work.")
run = overview.chosen_view()
if run is not None:
    overview.show(run)
elif not access.say_only_read("New runs are switched off"):
    launch.form()
