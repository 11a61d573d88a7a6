"""Influence between examples: which training rows made the model say this."""
