"""Damaged clips through verify, recover and the training reader: ``recorder_fuzz.py [--cases 10000] [--workers 2]``.

Every case must end in a clear error or a whole clip; a traceback, a hang (a watchdog looks at every case) or a silent
drop is printed and makes the exit code 1. Prints a table for docs/results/recorder.md. Deterministic: case N is the
same damage everywhere. ``--folder /dev/shm`` spares the disk.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from support import damage, stream

LIMIT_S = 20.0  # one case longer than this counts as a hang


def source(folder: Path) -> Path:
    """The clip that is damaged: 1.7 s with a takeover, every topic."""
    config = replace(stream.CONFIG, pre_s=0.5, post_s=0.3)
    (clip,) = stream.record(folder, stream.run(3.0, (stream.Takeover(0.8, 1.2, 1.5),)), config)
    return clip


class Hang(BaseException):
    """A case took too long; not an Exception, so that nothing on the way can take it for bad input."""


def _hang(_number: int, _frame: object) -> None:
    raise Hang


def share(task: tuple[str, str | None, range]) -> tuple[damage.Outcomes, float]:
    """The outcomes of some cases and the longest one's duration in s."""
    clip, folder, cases = Path(task[0]), task[1], task[2]
    outcomes, longest = damage.Outcomes(), 0.0
    signal.signal(signal.SIGALRM, _hang)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        for case in cases:
            begin = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
            try:
                damage.fuzz(clip, Path(work), range(case, case + 1), outcomes)
            except Hang:
                outcomes.broken.append(f"case {case}: still busy after {LIMIT_S:.0f} s")
            except Exception as problem:  # noqa: BLE001 (whatever it is, it is what is being looked for)
                outcomes.broken.append(f"case {case}: {traceback.format_exc(limit=-2)} {problem!r}")
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            longest = max(longest, time.monotonic() - begin)
    return outcomes, longest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case, where a run is split")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", help="where to work; default: the temporary folder")
    options = parser.parse_args()
    total, longest, begin = damage.Outcomes(), 0.0, time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, multiprocessing.Pool(options.workers) as pool:
        clip = source(Path(folder))
        end = options.first + options.cases
        tasks = [(str(clip), folder, range(i, min(i + 50, end))) for i in range(options.first, end, 50)]
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
    print(f"| **traceback, hang or silent drop** | {len(total.broken)} |")
    print(f"\nlongest case {longest:.1f} s, all in {time.monotonic() - begin:.0f} s")
    for line in total.broken[:50]:
        print(line)
    if total.broken or longest > LIMIT_S:
        sys.exit(1)


if __name__ == "__main__":
    main()
