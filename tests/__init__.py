"""Tests of Influence Scope."""
