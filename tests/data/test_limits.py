"""Input larger than memory, and disks smaller than the run: what is bounded, and what is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from influence_core.config import RunSettings
from influence_core.store.files import PARTIAL
from influence_core.store.run import Run, create_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to the limits")

MEMORY = 64 * 2**20
"""Bytes that a large file may take beyond those of a small one."""

WIDTH = 12_500
"""Characters of a row."""

LOAD = """
import resource, sys
from pathlib import Path
from influence_core.config import DataSettings
from influence_core.data import load
from influence_core.progress import silent
from influence_core.store.run import Run

small, large, folder, kind, limit = sys.argv[1:]
load(DataSettings(source=small), Run(Path(folder)), silent())
used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
limit = int(limit) + (used if kind == "RLIMIT_DATA" else 0)
resource.setrlimit(getattr(resource, kind), (limit, limit))
print(load(DataSettings(source=large), Run(Path(folder)), silent()).rows)
"""
"""Loads a small file, so that threads and pools are there, and then a large one under a limit."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run("limited", RunSettings(), tmp_path / "runs")


def write_csv(path: Path, rows: int) -> None:
    """Write so many rows, and after every fourth one a row that has a field too many."""
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label,note\n")
        for row in range(rows):
            line = ",".join(record(row).values())
            file.write(f"{line}\n{line},\n" if row % 4 == 0 else f"{line}\n")


def write_lines(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record(row)) + "\n" for row in range(rows))


def write_parquet(path: Path, rows: int) -> None:
    """Write one row group, as other tools do, in which dictionaries save nothing."""
    table = pa.Table.from_pylist([record(row) for row in range(rows)])
    pq.write_table(table, path, row_group_size=rows, use_dictionary=False, compression="none")


@pytest.mark.parametrize(
    ("suffix", "write", "rows"),
    [
        (".csv", write_csv, 12_800),
        (".jsonl", write_lines, 8_000),
        (".parquet", write_parquet, 8_000),
    ],
)
def test_a_file_larger_than_memory_is_read(
    tmp_path: Path, run: Run, suffix: str, write: Callable[[Path, int], None], rows: int
) -> None:
    small, large = tmp_path / f"small{suffix}", tmp_path / f"large{suffix}"
    write(small, 300)
    write(large, rows)
    done = loaded(small, large, run, "RLIMIT_DATA", MEMORY)
    assert done.stdout.strip() == str(rows), done.stderr
    assert large.stat().st_size > (2.9 if suffix == ".csv" else 1.4) * MEMORY
    assert "MemoryError" in read_whole(large)


def test_a_disk_that_fills_up_leaves_nothing_half(tmp_path: Path, run: Run) -> None:
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    write_csv(small, 4)
    write_csv(large, 2_000)
    done = loaded(small, large, run, "RLIMIT_FSIZE", 1_000_000)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert not run.examples_file.exists()
    assert not list(run.path.rglob(f"{PARTIAL}*"))


def loaded(
    small: Path, large: Path, run: Run, kind: str, limit: int
) -> subprocess.CompletedProcess[str]:
    return python(LOAD, small, large, run.path, kind, limit)


def read_whole(path: Path) -> str:
    """Read a file at once under the same limit, and return what comes of it."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_DATA, ({MEMORY}, {MEMORY}))"
    return python(f"{limit}; import sys; open(sys.argv[1]).read()", path).stderr


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def record(row: int) -> dict[str, str]:
    note = f"{row} lorem ipsum dolor ".ljust(100, ".") * (WIDTH // 100)
    return {"text": f"sentence number {row}", "label": f"c{row % 3}", "note": note}
