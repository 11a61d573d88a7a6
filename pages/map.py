"""Map: every example a point, close to what is like it, or placed by how it was learnt."""

from ui import mapping, maps, picking, shell

shell.header(
    "Map", "Which examples are alike, where are the hard ones, and what does pruning take?"
)
view = shell.lens()
if view is not None:
    layouts = maps.available(view.run)
    if "umap" not in layouts:
        mapping.offer(view.run, first=True)
    if layouts:
        look = maps.controls(view, layouts)
        maps.draw(view, look)
        picking.show(view, look.layout, look.version)
    if "umap" in layouts:
        mapping.offer(view.run, first=False)
