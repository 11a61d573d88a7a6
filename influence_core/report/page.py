"""The report of a run: one HTML file that tells a stakeholder what was found, and how sure it is.

Everything in it is text, tables and pictures in SVG. It loads nothing and runs nothing, and texts
of the dataset stay text whatever they hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from influence_core import __version__
from influence_core.access import must_be_writable
from influence_core.errors import ConfigError, rule
from influence_core.report import wording
from influence_core.report.about_data import OUTLINE, SMALL_CLASS
from influence_core.report.about_noise import spanned
from influence_core.report.about_pruning import change, pays
from influence_core.report.about_scores import BOX_WIDTH
from influence_core.report.contents import Contents, gather
from influence_core.report.listing import ends, listed
from influence_core.report.palette import DARK_GROUPS, EASY, GROUPS, HARD, MIDDLE
from influence_core.report.pruning_picture import picture, reaches
from influence_core.report.settings import ReportSettings
from influence_core.store.copying import writable
from influence_core.store.files import atomic
from influence_core.store.names import placed
from influence_core.store.run import Run

if TYPE_CHECKING:
    from jinja2 import Template

MARK = '<meta name="generator" content="Influence Scope'
"""What tells a report from any other file."""

TEMPLATES = Path(__file__).parent / "templates"

_DEFAULT = ReportSettings()

_COLOURS = {"easy": EASY, "hard": HARD, "middle": MIDDLE}

_LENGTHS = {"classes": 10, "experiments": 3, "ways": 10}
"""Most lines of each kind that are told before the report says how many more there are."""


def render_report(run: Run, settings: ReportSettings = _DEFAULT) -> str:
    """Return the report of a run as one HTML document.

    Raises:
        RunError: the run has no data yet.
        ScoreError: it does not have the score that is asked for.
    """
    return _rendered(gather(run, settings))


def write_report(
    run: Run,
    destination: str | Path | None = None,
    settings: ReportSettings = _DEFAULT,
    *,
    overwrite: bool = False,
) -> Path:
    """Write the report of a run, whole or not at all, and return where it lies.

    Without a destination it is `<run>-report.html` in the current folder.

    Raises:
        ConfigError: the destination cannot be used; only an earlier report is ever replaced.
        RunError: the run has no data yet.
        ScoreError: it does not have the score that is asked for.
        ReadOnly: nothing may be written.
    """
    must_be_writable(f"write the report of run {run.name!r}")
    path = _checked(destination or f"{run.name}-report.html", overwrite)
    document = render_report(run, settings)
    with writable(path), atomic(path) as partial:
        partial.write_text(document, encoding="utf-8")
    return path


def _rendered(contents: Contents) -> str:
    return _template().render(vars(contents), version=__version__)


def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = (wording.count, wording.counted, wording.percent, wording.points, wording.between)
    environment.filters |= {one.__name__: one for one in (*words, wording.sentence)}
    shown = (wording.excerpt, change, pays, ends, listed)
    environment.filters |= {one.__name__: one for one in shown}
    environment.globals |= {"picture": picture, "reaches": reaches, "spanned": spanned}
    environment.globals |= {"colours": _COLOURS, "groups": GROUPS, "dark_groups": DARK_GROUPS}
    environment.globals |= _LENGTHS | {"small_class": SMALL_CLASS, "outline": OUTLINE}
    environment.globals["box_width"] = BOX_WIDTH
    return environment.get_template("report.html")


def _checked(destination: str | Path, overwrite: bool) -> Path:
    """Return the file to write, if writing it destroys nothing but an earlier report."""
    if "\0" in str(destination):
        raise ConfigError(rule("output", "name a file", str(destination)))
    path = placed(destination).resolve()
    if path.suffix not in (".html", ".htm"):
        raise ConfigError(rule("output", "end in .html", str(destination)))
    if not path.exists():
        return path
    if not path.is_file() or not _is_report(path):
        raise ConfigError(rule("output", "be a new file", str(path)))
    if not overwrite:
        advice = "be new; it holds a report already, so choose another or ask to overwrite"
        raise ConfigError(rule("output", advice, str(path)))
    return path


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return MARK.encode() in file.read(2_000)
