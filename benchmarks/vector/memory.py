"""What the vector world's environments take of memory: ``python -m benchmarks.vector.memory [--count 4096]``.

Every family of ``core`` in turn (training seeds), stepped for 10 s and observed; the growth of the process's resident
memory over what it had with the kernels loaded and the scenarios compiled.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from takead_ros.scenarios import FAMILIES, build
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import compile_scenario
from takead_ros.simulators.vector.observe import Observer
from takead_ros.simulators.vector.simulator import on_lanes
from takead_ros.simulators.vector.tape import Tape

FIRST_SEED, SEEDS, TICKS = 3_000_000, 4, 200


def resident_mib() -> float:
    """Of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4096, help="environments")
    count = parser.parse_args().count
    compiled = [
        compile_scenario(*on_lanes(build(family, FIRST_SEED + seed))) for family in FAMILIES for seed in range(SEEDS)
    ]
    Batch(1)
    before = resident_mib()
    batch = Batch(count)
    batch.reset(range(count), [compiled[row % len(compiled)] for row in range(count)])
    print(f"{count} environments begun: {resident_mib() - before:.0f} MiB")
    Observer(batch).observe(np.arange(count))
    print(f"and all observed: {resident_mib() - before:.0f} MiB")
    commands = np.tile([0.0, 0.5], (count, 1))
    for _ in range(TICKS):
        batch.step(commands)
    print(f"and {TICKS} ticks stepped: {resident_mib() - before:.0f} MiB")
    tape = Tape(batch)
    for row in range(count):
        tape.begin(row)
    for _ in range(TICKS):
        tape.note()
    print(f"with {TICKS} ticks kept for logs: {resident_mib() - before:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
