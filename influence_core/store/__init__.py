"""The run folder: its files, its tables, what goes out of it."""
