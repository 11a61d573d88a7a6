"""Wrong labels: put there on purpose, found, counted, and the finding measured."""
