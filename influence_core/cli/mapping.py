"""The command that makes a run's map: `map`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.run import compute
from influence_core.cli.terminal import output, plain, print_json
from influence_core.config import validated
from influence_core.mapping.settings import MapSettings
from influence_core.progress import Listener
from influence_core.store.run import open_run

if TYPE_CHECKING:
    from influence_core.mapping.work import MapWork


@with_settings(MapSettings)
def lay_out(name: RunName, as_json: AsJson = False, *, given: dict[str, object]) -> None:
    """Lay a run's examples out in a plane, for the Map page.

    UMAP of what the encoder made of the texts before it saw a label. An earlier map is replaced
    when the new one is there.
    """
    settings, run = validated(MapSettings, chosen(MapSettings, given)), open_run(name)

    def make(*listeners: Listener) -> MapWork:
        from influence_core.mapping.work import make_map

        return make_map(run, settings, listeners=listeners)

    compute(make)
    facts = {"path": str(run.map_file), "settings": settings.model_dump(mode="json")}
    if as_json:
        print_json(facts)
    else:
        output().print(plain(f"map  {run.map_file}"))
