"""How fast training's samples come out of the memory-mapped shards, as the loop asks for them:

    python benchmarks/training_data.py runs/novice/demonstrations --cache runs/novice/cache

Clips that are not in the cache yet are encoded first, which is not timed. Rows are drawn at random over all clips, in
batches of 256, as tensors with every column of the imitation losses. ``per_cpu_second`` is what one process does in a
second of its own CPU time, which a busy machine does not change.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.files import to_json
from takead_ros.policy.vector import VECTOR_1
from takead_training.data import cache
from takead_training.data.clips import find_clips
from takead_training.stages.fit import batch_of
from takead_training.stages.imitation import COLUMNS

BATCH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+", help="folders with clips")
    parser.add_argument("--cache", type=Path, required=True, help="where the shards lie or are made")
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--json", type=new_file)
    arguments = parser.parse_args()
    clips = find_clips(arguments.clips).clips
    data, _ = cache.load(clips, arguments.cache, VECTOR_1, workers=2)
    random = np.random.default_rng(0)
    rows = random.integers(0, len(data), (arguments.batches, BATCH))
    for some in rows[:20]:  # the columns that are kept in memory are read on the way
        batch_of(data, some, COLUMNS)
    wall, cpu = time.perf_counter(), time.process_time()
    for some in rows:
        batch_of(data, some, COLUMNS)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    count = arguments.batches * BATCH
    found = {
        "clips": len(clips),
        "rows": len(data),
        "samples": count,
        "per_second": count / wall,
        "per_cpu_second": count / cpu,
    }
    print(to_json(found, indent=2))
    give_json(found, arguments.json)


if __name__ == "__main__":
    end_with(main)
