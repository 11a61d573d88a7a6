"""Influence scores: their table, the trace they are read from, their formulas."""
