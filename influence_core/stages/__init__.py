"""The stages of a run: what is read, trained, traced and scored, in which order."""
