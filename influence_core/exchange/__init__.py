"""Scores and training dynamics that come from other tools, or go to them."""
