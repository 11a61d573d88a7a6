"""Pruning experiments: what dropping data would do, measured before anything is dropped."""
