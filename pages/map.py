"""Map: every example a point, close to what is like it, or placed by how it was learnt."""

from ui import mapping, maps, picking, rows, shell

shell.header(
    "Map", "Which examples are alike, where are the hard ones, and what does pruning take?"
)
view = shell.lens()
if view is not None:
    layouts = maps.available(view.run)
    if "umap" not in layouts:
        mapping.offer(view.run, first=True)
    if layouts:
        rows.bar(view.run, view.manifest)
        look = maps.controls(view, layouts)
        maps.draw(view, look)
        picking.show(view, look.layout, look.version, look.seen)
    if "umap" in layouts:
        mapping.offer(view.run, first=False)
