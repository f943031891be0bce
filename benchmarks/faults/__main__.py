"""Faults in closed loop: what becomes of the drive when a source dies, hangs, lies or comes late.

    python -m benchmarks.faults [--families A,B,..] [--seeds 0-3] [--moments 20] [--model M] [--json FILE]
    python -m benchmarks.faults --part 1/3 --json A.json        one third of the faults at each moment, in turn
    python -m benchmarks.faults --merge A.json B.json C.json --markdown docs/results/faults.md

Each episode is driven once with everything healthy: policy, expert, monitor, and a person at the joystick with hands
off. At each of the moments, spread over the episodes of a family, the process forks, once for every fault: the child
goes on with that fault, which stays, until the vehicle stands, the episode ends or AFTER_S are over. So all faults of a
moment begin in the very same state. The control is a fork too: the healthy expert takes over at that moment and drives
on. A collision is ``avoidable`` where the control has none.

The table has, for each fault, the runs, what they ended in, runs with a collision, with an avoidable one, with a tick
without a defined command, the distance to the stop (median and most) of those that stopped, and the longest time from
the fault until neither axis was driven by the lost source any more.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.faults.branches import episode_runs
from benchmarks.faults.drive import Run
from benchmarks.faults.report import markdown
from benchmarks.faults.wires import FAULTS
from takead_ros.cli.program import end_with, new_file
from takead_ros.domain.seeds import parse_seeds
from takead_ros.files import content_of, parse_json, write_record
from takead_ros.policy.model import load_model
from takead_ros.simulators import open_simulator

FAMILIES = "lead_hard_brake,cut_in,broken_down_car,pedestrian_from_van,intersection_left"


def _drive_all(arguments: argparse.Namespace) -> list[Run]:
    seeds, families = parse_seeds(arguments.seeds), arguments.families.split(",")
    faults = arguments.faults.split(",") if arguments.faults else list(FAULTS)
    k, n = (int(text) for text in arguments.part.split("/"))
    if arguments.moments % len(seeds):
        sys.exit(f"--moments {arguments.moments}: expected a multiple of the number of seeds, {len(seeds)}")
    runs: list[Run] = []
    simulator, policy = open_simulator("metadrive"), load_model(Path(arguments.model))
    try:
        for family in families:
            for seed in seeds:
                runs += episode_runs(
                    simulator, policy, family, seed, arguments.moments // len(seeds), (k - 1, n), faults
                )
                print(f"{family} {seed}: {len(runs)} runs", file=sys.stderr, flush=True)
                if arguments.json:  # what is done is kept, whatever comes
                    write_record(arguments.json, [asdict(run) for run in runs])
    finally:
        simulator.close()
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default=FAMILIES)
    parser.add_argument("--seeds", default="0-3", help="episodes of each family, as takead eval names them")
    parser.add_argument("--moments", type=int, default=20, help="in each family, shared out over its episodes")
    parser.add_argument("--faults", help="only these, by name, separated by commas")
    parser.add_argument("--part", default="1/1", help="K/N: every N-th fault at each moment, in turn, beginning with K")
    parser.add_argument("--model", default=str(Path(__file__).resolve().parents[2] / "models" / "novice.onnx"))
    parser.add_argument("--json", type=new_file, help="where the runs are kept")
    parser.add_argument("--merge", type=Path, nargs="+", help="make the table of runs that were kept, drive nothing")
    parser.add_argument("--markdown", type=Path, help="write the table below the line '<!-- faults -->' of this file")
    arguments = parser.parse_args()
    if arguments.merge:
        kept = [entry for path in arguments.merge for entry in parse_json(content_of(path))]
        kept = list({tuple(e[n] for n in ("family", "seed", "moment", "fault")): e for e in kept}.values())
        runs = [Run(**{**entry, "collisions": tuple(entry["collisions"])}) for entry in kept]
    else:
        runs = _drive_all(arguments)
    text = markdown(runs)
    print(text)
    if arguments.markdown:
        mark = "<!-- faults -->\n"
        head = arguments.markdown.read_text("utf-8").split(mark)[0] if arguments.markdown.exists() else ""
        arguments.markdown.write_text(f"{head}{mark}\n{text}", "utf-8")


if __name__ == "__main__":
    end_with(main)
