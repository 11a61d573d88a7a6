"""The exceptions of Influence Scope.

    InfluenceError
    ├── ConfigError        a setting is out of its range            (ValueError)
    ├── DataError          the input cannot be used                 (ValueError)
    ├── ModelError         an encoder or checkpoint cannot be used  (ValueError)
    ├── ScoreError         a score is unknown or cannot be computed (ValueError)
    ├── SelectionError     a subset cannot be drawn                 (ValueError)
    ├── RunError           a run folder cannot be used
    │   ├── RunNotFound    there is no such run                     (LookupError)
    │   ├── RunExists      a run of that name stands already        (FileExistsError)
    │   └── RunBusy        another process works on the run         (RuntimeError)
    ├── ReadOnly           nothing may be written here              (PermissionError)
    ├── WorkError          a piece of the work failed twice         (RuntimeError)
    └── Cancelled          the user asked to stop

Every message says what was wrong, the rule, the value received, and what to do.
"""

from typing import Any


class InfluenceError(Exception):
    """Base of everything a user can cause and mend."""


class ConfigError(InfluenceError, ValueError):
    """A setting is out of its range."""


class DataError(InfluenceError, ValueError):
    """The input cannot be used.

    `findings` holds the lines of the validation report that led here, if one was written.
    """

    def __init__(self, message: str, findings: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


class ModelError(InfluenceError, ValueError):
    """An encoder or a checkpoint cannot be used."""


class ScoreError(InfluenceError, ValueError):
    """A score is unknown or cannot be computed here."""


class SelectionError(InfluenceError, ValueError):
    """A subset cannot be drawn as asked."""


class RunError(InfluenceError):
    """A run folder cannot be used."""


class RunNotFound(RunError, LookupError):
    """There is no run of that name."""


class RunExists(RunError, FileExistsError):
    """A run of that name stands already."""


class RunBusy(RunError, RuntimeError):
    """Another process works on the run."""


class ReadOnly(InfluenceError, PermissionError):
    """Nothing may be written here."""


class WorkError(InfluenceError, RuntimeError):
    """A piece of the work failed twice."""


class Cancelled(InfluenceError):
    """The user asked the work to stop."""


def rule(parameter: str, must: str, value: object) -> str:
    """Word a broken rule in the one shape that all errors share.

    >>> rule("fraction", "be in (0, 1)", 2.0)
    "'fraction' must be in (0, 1); got 2.0."
    """
    return f"'{parameter}' must {must}; got {value!r}."
