"""Shows every node any message on any of its topics, in the lockstep host:

    python benchmarks/node_fuzz.py --messages 100000 --seed 0 [--nodes expert,policy] [--json F]

Odd values in every field of every type (NaN, infinities, extremes of integers, arrays of other lengths, unknown enum
numbers, stamps before and after), between messages that make sense. A node must not raise, must say nothing that is not
finite, and must drive again once sense comes back (test/support/fuzz.py says what that means for each). The run is cut
into pieces of 2,000 messages with a seed each, so that a failure names a short piece that shows it again.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))
from support import fuzz
from support.fuzz_ackermann import ackermann_subject
from support.fuzz_carla import carla_subject
from support.fuzz_supervisor import fuzz_answers
from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file

PIECE = 2000
VEHICLES = {"carla": carla_subject, "ackermann": ackermann_subject}  # vehicle_node at each
SUPERVISOR = "supervisor"  # hears no topic: it is given any answer to what it asks of the managed nodes


def show(name: str, folder: Path, seed: int) -> dict[str, int]:
    """Show a piece to a fresh node; how many of what it said."""
    if name == SUPERVISOR:
        return fuzz_answers(PIECE, seed)
    if name in VEHICLES:
        return fuzz.fuzz(VEHICLES[name](), PIECE, seed)
    return fuzz.fuzz(dict(fuzz.subjects(folder))[name], PIECE, seed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nodes", default="")
    parser.add_argument("--json", type=new_file)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        every = [*(name for name, _ in fuzz.subjects(Path(folder))), *VEHICLES, SUPERVISOR]
        names = options.nodes.split(",") if options.nodes else every
    found, failed = {}, 0
    for name in names:
        begin, said = time.perf_counter(), 0
        failure = ""
        for piece in range(-(-options.messages // PIECE)):
            seed = options.seed + piece
            with tempfile.TemporaryDirectory() as folder:
                try:
                    said += sum(show(name, Path(folder), seed).values())
                    print(f"{name:10s} {(piece + 1) * PIECE:8d} messages so far", file=sys.stderr, flush=True)
                except Exception as problem:  # noqa: BLE001 (whatever it is, it is what was looked for)
                    failure = f"seed {seed}: {type(problem).__name__}: {problem}"
                    break
        shown = (piece + 1) * PIECE
        found[name] = {
            "messages": shown,
            "said": said,
            "failure": failure,
            "seconds": round(time.perf_counter() - begin),
        }
        failed += bool(failure)
        print(f"{name:10s} {shown:8d} messages, said {said:8d}, {failure or 'survived'}", flush=True)
    give_json(found, options.json)
    return int(failed > 0)


if __name__ == "__main__":
    end_with(main)
