"""Runs every benchmark, or those named: `python -m benchmarks startup`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from benchmarks.pairing import machine


def main(names: list[str]) -> None:
    print(machine(), flush=True)
    found = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    for module in found:
        if not names or module.removeprefix("bench_") in names:
            print(f"\n{module}", flush=True)
            for result in import_module(f"benchmarks.{module}").results():
                print(f"  {result}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
