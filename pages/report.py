"""Report: what was found, in one file for people who decide."""

from ui import reporting, shell

shell.header("Report", "What was found, in one file that others read in three minutes?")
run = reporting.reportable()
if run is not None:
    settings = reporting.settings(run)
    reporting.contents(run)
    reporting.make(run, settings)
