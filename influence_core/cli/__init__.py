"""The `influence` command.

Exit codes: 0 done, 1 a bug, 2 something the user can mend, 130 stopped by the user.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence

from influence_core.errors import Cancelled, DataError, InfluenceError

BUG, MISTAKE, STOPPED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(_guarded(lambda: _dispatch(arguments)))


def _dispatch(arguments: Sequence[str] | None) -> int:
    from influence_core.cli.commands import group

    code = group().main(arguments, prog_name="influence", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _guarded(action: Callable[[], int]) -> int:
    """Turn what an action raises into one kind message and an exit code."""
    from typer import TyperException

    try:
        return action()
    except TyperException as error:
        # Empty where the help itself was the answer; "Value error" is the parser's own word.
        message = error.format_message().replace(": Value error, ", ": ")
        return _complain(message, "`influence COMMAND --help` tells more.") if message else MISTAKE
    except (Cancelled, KeyboardInterrupt):
        return _complain(
            "Stopped. What is finished is kept; the command goes on with --resume.", code=STOPPED
        )
    except DataError as error:
        said = str(error)
        return _complain(said, *(f.message for f in error.findings if f.message not in said))
    except InfluenceError as error:
        return _complain(str(error))
    except OSError as error:
        if error.filename is None:
            return _report_bug()
        return _complain(f"{error.filename}: {error.strerror}.")
    except Exception:
        return _report_bug()


def _complain(*lines: str, code: int = MISTAKE) -> int:
    from influence_core.cli.terminal import errors, plain

    console = errors()
    for line in lines:
        console.print(plain(line))
    return code


def _report_bug() -> int:
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    logging.getLogger(__name__).exception("This is a bug in Influence Scope; please report it.")
    return BUG
