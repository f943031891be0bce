"""Damaged clips through verify, recover and the training reader: ``recorder_fuzz.py [--cases 10000] [--workers 2]``.

Every case must end in a clear error or a whole clip; anything else is printed and makes the exit code 1. Prints a
table for docs/recording.md. Deterministic: case N is the same damage everywhere.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "recording"))

import damage
import stream

LIMIT_S = 20.0  # one case longer than this counts as a hang


def source(folder: Path) -> Path:
    """The clip that is damaged: 1.7 s with a takeover, every topic."""
    config = replace(stream.CONFIG, pre=0.5, post=0.3)
    (clip,) = stream.record(folder, stream.run(3.0, (stream.Takeover(0.8, 1.2, 1.5),)), config)
    return clip


def share(task: tuple[str, range]) -> tuple[damage.Outcomes, float]:
    """The outcomes of some cases and the longest one's duration in s."""
    clip, cases = Path(task[0]), task[1]
    outcomes, longest = damage.Outcomes(), 0.0
    with tempfile.TemporaryDirectory() as work:
        for case in cases:
            begin = time.monotonic()
            damage.fuzz(clip, Path(work), range(case, case + 1), outcomes)
            longest = max(longest, time.monotonic() - begin)
    return outcomes, longest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    total, longest, begin = damage.Outcomes(), 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(options.workers) as pool:
        clip = source(Path(folder))
        tasks = [(str(clip), range(i, min(i + 50, options.cases))) for i in range(0, options.cases, 50)]
        for outcomes, slowest in pool.imap_unordered(share, tasks):
            for what, count in outcomes.counts.items():
                total.counts[what] = total.counts.get(what, 0) + count
            total.broken += outcomes.broken
            longest = max(longest, slowest)
            done = sum(total.counts.values())
            print(f"{done} cases, {len(total.broken)} broken, {total.counts}", file=sys.stderr, flush=True)
    print(f"| outcome of {options.cases} damaged clips | count |\n|---|---:|")
    for what, count in sorted(total.counts.items(), key=lambda item: -item[1]):
        print(f"| {what} | {count} |")
    print(f"| traceback, hang or silent drop | {len(total.broken)} |")
    print(f"\nlongest case {longest:.1f} s, all in {time.monotonic() - begin:.0f} s")
    for line in total.broken[:50]:
        print(line)
    if total.broken or longest > LIMIT_S:
        sys.exit(1)


if __name__ == "__main__":
    main()
