"""The validation report while it is being written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from influence_core.errors import DataError
from influence_core.store.run import Finding

ROWS_SHOWN = 5
"""Row numbers a finding names."""

NAMES_SHOWN = 8
"""Names (of classes, columns, values) a message lists before it says how many more there are."""


class Report:
    """Collects findings, so that all problems are told at once."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, errors first, then warnings, then remarks."""
        order = ("error", "warning", "info")
        return tuple(sorted(self._findings, key=lambda finding: order.index(finding.level)))

    @property
    def failed(self) -> bool:
        """Whether an error is among the findings."""
        return any(finding.level == "error" for finding in self._findings)

    def error(self, check: str, message: str, *, count: int = 0, rows: Iterable[int] = ()) -> None:
        """Add what makes the data unusable."""
        self._add(Finding(level="error", check=check, message=message, count=count), rows)

    def warning(
        self, check: str, message: str, *, count: int = 0, rows: Iterable[int] = ()
    ) -> None:
        """Add what the user should look at."""
        self._add(Finding(level="warning", check=check, message=message, count=count), rows)

    def info(self, check: str, message: str, *, count: int = 0, rows: Iterable[int] = ()) -> None:
        """Add what was decided on the user's behalf."""
        self._add(Finding(level="info", check=check, message=message, count=count), rows)

    def take(self, error: DataError) -> None:
        """Add the findings an error carries, or its message where it carries none."""
        if error.findings:
            self._findings.extend(error.findings)
        else:
            self.error("source", str(error))

    def raise_errors(self) -> None:
        """Raise all errors found so far as one.

        Raises:
            DataError: there is an error; it carries every finding.
        """
        errors = [finding.message for finding in self.findings if finding.level == "error"]
        if errors:
            lines = errors if len(errors) == 1 else ["The data cannot be used:", *errors]
            raise DataError("\n- ".join(lines), self.findings)

    def _add(self, finding: Finding, rows: Iterable[int]) -> None:
        first = tuple(int(row) for row in islice(rows, ROWS_SHOWN))
        self._findings.append(finding.model_copy(update={"rows": first}))


def failure(check: str, message: str) -> DataError:
    """Return an error that carries its one finding."""
    return DataError(message, (Finding(level="error", check=check, message=message),))


def counted(number: int, noun: str = "row") -> str:
    """Word a number of things.

    >>> counted(1), counted(1200, "text"), counted(2, "class")
    ('1 row', '1,200 texts', '2 classes')
    """
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"


def listed(names: Sequence[object], shown: int = NAMES_SHOWN) -> str:
    """Word a list of names, cut where it grows long.

    >>> listed(["a", "b", "c"], shown=2)
    "'a', 'b' and 1 more"
    """
    words = ", ".join(repr(name) for name in names[:shown])
    rest = len(names) - shown
    return f"{words} and {rest} more" if rest > 0 else words
