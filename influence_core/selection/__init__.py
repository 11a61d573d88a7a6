"""Subsets: how they are drawn, and what they keep of every class."""
