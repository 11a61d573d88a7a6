"""Entry point of the dashboard."""
