"""How fast the vector world is, against MetaDrive in the same run:

    python -m benchmarks.vector.speed [--model models/baseline.onnx] [--families 10] [--json FILE]

- bare: the very commands of an expert's drive, stepped in MetaDrive (``Episode.step``) and in a batch of these drives.
- closed loop: the policy drives every episode; in MetaDrive as ``takead eval --passes unassisted`` does it (nodes in
  the lockstep host), in the vector world by ``runs.batched``; both scored.

CPU seconds of this one process, both sides alternating by family, so that what else the machine does falls on both.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.vector.drives import DECIDE, Drive, expert_drive
from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.measures.driving_score import score_episode
from takead_ros.policy.model import load_model
from takead_ros.runs.batched import drive_batched
from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec
from takead_ros.scenarios import FAMILIES, build
from takead_ros.simulators import Simulator, open_simulator
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import compile_scenario
from takead_ros.simulators.vector.simulator import on_lanes

FIRST_SEED = 3_000_000  # training seeds: a benchmark has no business with the evaluation's
COPIES = 16  # of each drive in a batch


@dataclass
class Spent:
    """CPU seconds over a number of things done."""

    seconds: float = 0.0
    count: float = 0.0

    def add(self, seconds: float, count: float) -> None:
        self.seconds += seconds
        self.count += count

    @property
    def microseconds(self) -> float:
        """Each."""
        return 1e6 * self.seconds / self.count


def bare_metadrive(simulator: Simulator, drive: Drive) -> tuple[float, float]:
    """CPU seconds and steps of the drive's commands."""
    episode = simulator.reset(drive.scenario)
    begin, steps = process_time(), 0
    for steering, acceleration in drive.commands:
        if episode.done:
            break
        episode.step(float(steering), float(acceleration))
        steps += 1
    return process_time() - begin, steps


def bare_vector(drives: list[Drive]) -> tuple[float, float]:
    """CPU seconds and steps of COPIES of each drive in one batch."""
    scenarios = [compile_scenario(*on_lanes(drive.scenario)) for drive in drives] * COPIES
    ticks = max(len(drive.commands) for drive in drives)
    commands = np.zeros((ticks, len(scenarios), 2))
    for row in range(len(scenarios)):
        mine = drives[row % len(drives)].commands
        commands[: len(mine), row] = mine
    batch = Batch(len(scenarios))
    batch.reset(range(len(scenarios)), scenarios)
    steps, begin = 0, process_time()
    for tick in range(ticks):
        steps += int((~batch.done).sum())
        batch.step(commands[tick])
    return process_time() - begin, steps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/baseline.onnx"))
    parser.add_argument("--families", type=int, default=10, help="how many of core's families, evenly chosen")
    parser.add_argument("--json", type=new_file)
    arguments = parser.parse_args()
    policy, metadrive = load_model(arguments.model), open_simulator("metadrive")
    runner = EpisodeRunner(metadrive)
    spent = {name: Spent() for name in ("bare metadrive", "bare vector", "loop metadrive", "loop vector")}
    families = list(FAMILIES)[:: max(len(FAMILIES) // arguments.families, 1)][: arguments.families]
    for round_, family in enumerate(("warm-up", *families)):
        scenarios = [build(families[0] if not round_ else family, FIRST_SEED + seed) for seed in range(4)]
        drives = [expert_drive(metadrive, scenario) for scenario in scenarios]
        figures = {
            "bare metadrive": [bare_metadrive(metadrive, drive) for drive in drives],
            "bare vector": [bare_vector(drives)],
        }
        begin, decisions = process_time(), 0.0
        for scenario in scenarios:
            spec = EpisodeSpec("core", scenario.family, scenario.seed, str(arguments.model), takeovers=False)
            decisions += runner.run(spec).duration / 0.1
        figures["loop metadrive"] = [(process_time() - begin, decisions)]
        begin, decisions = process_time(), 0.0
        for _, log in drive_batched(policy, scenarios * 4):
            score_episode(log)
            decisions += (len(log.x) - 1) / DECIDE
        figures["loop vector"] = [(process_time() - begin, decisions)]
        if round_:
            for name, rows in figures.items():
                for seconds, count in rows:
                    spent[name].add(seconds, count)
            print(
                f"{family}: " + ", ".join(f"{name} {s.microseconds:.0f} us" for name, s in spent.items()),
                file=sys.stderr,
            )
    runner.close()
    bare = spent["bare metadrive"].microseconds / spent["bare vector"].microseconds
    loop = spent["loop metadrive"].microseconds / spent["loop vector"].microseconds
    print(f"{len(families)} families of core, 4 training seeds each; CPU of one process; {metadrive.name}")
    print(f"bare step:   MetaDrive {spent['bare metadrive'].microseconds:7.0f} us, vector "
          f"{spent['bare vector'].microseconds:6.1f} us: {bare:.0f} times as fast")  # fmt: skip
    print(f"closed loop: MetaDrive {spent['loop metadrive'].microseconds:7.0f} us a decision, vector "
          f"{spent['loop vector'].microseconds:6.0f} us: {loop:.1f} times as fast")  # fmt: skip
    content = {
        "families": families, "bare_ratio": bare, "loop_ratio": loop,
        "microseconds": {name: s.microseconds for name, s in spent.items()}, "simulator": metadrive.name,
    }  # fmt: skip
    give_json(content, arguments.json)
    return 0


if __name__ == "__main__":
    end_with(main)
