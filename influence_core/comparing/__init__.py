"""Two models side by side: what each is better at, and how sure that is."""
