"""`python -m influence_core` is the `influence` command."""

from influence_core.cli import main

if __name__ == "__main__":
    main()
