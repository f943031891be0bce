"""Each node killed by SIGKILL in each phase of a drive, and started again: is the vehicle defined throughout?

    python3 benchmarks/node_restart.py --json restart.json

Needs a sourced ROS 2 in which this package is built. Starts ``sim.launch.py sim:=vector joystick:=topic``, is the
person at ``/joy``, brings the stack into a phase and kills one node, which the launch starts again. Takes down the
longest gap between two commands, the first mode that followed, and how long the node took to be heard again. A row
whose phase was not reached is left out. ``test/ros/test_node_kills.py`` asks the same of the minimum-risk stop.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from support.node_kills import HEARD, PHASES, Launched
from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=new_file, required=True)
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=PHASES)
    parser.add_argument("--seconds", type=float, default=600.0, help="begin no further row after so long")
    arguments = parser.parse_args()
    began, rows = time.monotonic(), []
    stack = Launched(Path(tempfile.mkdtemp()), domain=20 + os.getpid() % 60)
    try:
        for phase in arguments.phases:
            for name in HEARD:
                if time.monotonic() - began > arguments.seconds or not stack.reach(phase):
                    continue
                found = stack.kill(name, phase)
                if found is None:
                    continue
                again = found.heard_again_s
                row = {
                    "node": name,
                    "phase": phase,
                    "mode": found.mode.name,
                    "then": found.then.name,
                    "longest_gap_s": round(found.longest_gap_s, 3),
                    "heard_again_s": None if again is None else round(again, 1),
                }
                rows.append(row)
                print(row, flush=True)
    finally:
        stack.close()
    give_json({"load": os.getloadavg(), "rows": rows}, arguments.json)


if __name__ == "__main__":
    end_with(main)
