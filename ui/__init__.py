"""Components of the dashboard: they show, they hold no logic of their own."""
