"""From the name of a source to the parts it consists of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from influence_core.config import BUILTIN_SOURCE, DataSettings
from influence_core.data import columnar, delimited, json_lines, rasa, tagged
from influence_core.data.batches import Batch, Part
from influence_core.data.findings import failure, listed
from influence_core.store.names import named, placed

_Reader = Callable[[Path], Iterator[Batch]]

_READERS: dict[str, _Reader] = {
    ".csv": delimited.read_delimited,
    ".tsv": lambda path: delimited.read_delimited(path, "\t"),
    ".tab": lambda path: delimited.read_delimited(path, "\t"),
    ".jsonl": json_lines.read_json_lines,
    ".ndjson": json_lines.read_json_lines,
    ".json": rasa.read_json,
    ".conll": tagged.read_tagged,
    ".bio": tagged.read_tagged,
    ".iob": tagged.read_tagged,
    ".iob2": tagged.read_tagged,
    ".parquet": columnar.read_parquet,
    ".pq": columnar.read_parquet,
}

_PLAIN = (".csv", ".tsv", ".tab")

_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w.-]+)?")

_SPLIT_IN_NAME = re.compile(
    r"(?:^|[._-])(train|training|valid|validation|val|dev|test|eval)(?=[._-]|\d|$)", re.IGNORECASE
)


def parts_of(settings: DataSettings) -> list[Part]:
    """Return the parts of the source in the order in which they are read.

    Raises:
        DataError: the source does not exist, or is nothing that can be read.
    """
    source = settings.source.strip()
    if source == BUILTIN_SOURCE:
        from influence_core.data.voice_assistant import parts

        return parts(settings)
    if not source:
        raise failure("source", "'source' must name a file, a folder or a Hub dataset; got ''.")
    paths = _named_paths(source)
    if not paths:
        return columnar.hub_parts(source, settings.config, settings.hub_split)
    return _with_splits([part for path in paths for part in _parts_at(path)])


def _named_paths(source: str) -> list[Path]:
    """Return the paths that a source names; none where it looks like a Hub id."""
    paths = [placed(name) for name in named(source)]
    one = len(paths) == 1 and not paths[0].exists()
    is_hub = one and paths[0].suffix.lower() not in _READERS and _HUB_NAME.fullmatch(source)
    return [] if is_hub else paths


def _parts_at(path: Path) -> list[Part]:
    if not path.exists():
        raise failure("source", f"There is no file or folder {str(path)!r}; check the path.")
    if path.is_file():
        return [_file_part(path)]
    if any((path / name).exists() for name in ("dataset_dict.json", "dataset_info.json")):
        return columnar.saved_parts(path)
    return _folder_parts(path)


def _file_part(path: Path) -> Part:
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise failure(
            "format",
            f"File {path.name!r} is of no known kind; its name must end in "
            f"{listed([*_READERS], len(_READERS))}.",
        )
    reader = _READERS[suffix]
    return Part(
        name=path.name,
        size=max(path.stat().st_size, 1),
        read=lambda: reader(path),
        plain=suffix in _PLAIN,
    )


def _folder_parts(path: Path) -> list[Part]:
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and file.suffix.lower() in _READERS
        and not any(piece.startswith(".") for piece in file.relative_to(path).parts)
    ]
    if not files:
        raise failure(
            "source",
            f"Folder {path.name!r} holds no file that ends in "
            f"{listed([*_READERS], len(_READERS))}.",
        )
    return [_file_part(file) for file in files]


def _with_splits(parts: list[Part]) -> list[Part]:
    """Let file names say the split where each of several files names one, one of them train."""
    splits = [part.split or _split_in(part.name) for part in parts]
    if len(parts) < 2 or None in splits:
        return parts
    if not any(str(split).lower().startswith("train") for split in splits):
        return parts
    return [
        Part(name=part.name, size=part.size, read=part.read, split=split, plain=part.plain)
        for part, split in zip(parts, splits, strict=True)
    ]


def _split_in(name: str) -> str | None:
    found = _SPLIT_IN_NAME.findall(Path(name).stem)
    return found[-1] if found else None
