"""What a full disk says through each library that writes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from influence_core import pipeline
from influence_core.errors import RunError
from influence_core.store.files import disk_refusal, new_array, write_parquet
from influence_core.store.run import Run


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a disk that is full")
def test_a_full_disk_is_known_by_its_words() -> None:
    with (
        pytest.raises(OSError, match="space") as caught,
        open("/dev/full", "wb", buffering=0) as file,
    ):
        file.write(b"one byte too many")
    assert disk_refusal(caught.value) == os.strerror(errno.ENOSPC)
    wrapped = RuntimeError(f"I/O error: {os.strerror(errno.EFBIG)} (os error 27)")
    assert disk_refusal(wrapped) == os.strerror(errno.EFBIG)
    assert disk_refusal(ValueError("nothing of the kind")) is None


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot reserve space")
def test_a_reserved_file_lies_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    assert path.stat().st_blocks == 0
    array = new_array(path, np.uint8, (1 << 20,))
    assert array.shape == (1 << 20,)
    assert path.stat().st_size > 1 << 20
    assert path.stat().st_blocks * 512 >= 1 << 20


def test_a_run_tells_a_full_disk_and_how_to_go_on(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError(f"I/O error: {os.strerror(errno.ENOSPC)} (os error 28)")

    small_run.update(status="running", stages={})
    monkeypatch.setattr(pipeline, "plan", lambda _: iter([pipeline.Step("data", lambda: refuse())]))
    with pytest.raises(RunError, match=r"takes no more: No space left.*resume"):
        pipeline.resume(small_run.name)
    assert "takes no more" in small_run.manifest().error


def test_an_unfinished_table_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.parquet"
    write_parquet(path, pa.table({"number": [1]}))
    before = path.read_bytes()

    def half(_: pa.Table, place: Path, **__: object) -> None:
        place.write_bytes(before[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pyarrow.parquet.write_table", half)
    with pytest.raises(OSError, match="No space"):
        write_parquet(path, pa.table({"number": [2]}))
    assert [file.name for file in tmp_path.iterdir()] == ["table.parquet"]
    assert path.read_bytes() == before
