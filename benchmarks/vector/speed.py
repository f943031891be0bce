"""How fast the vector world is, against MetaDrive in the same run:

    python -m benchmarks.vector.speed [--model models/novice.onnx] [--families 10] [--json FILE]

- bare: the very commands of an expert's drive, stepped in MetaDrive (``Episode.step``) and in a batch of these drives.
- closed loop: the policy drives every episode; in MetaDrive as ``takead eval --passes unassisted`` does it (nodes in
  the lockstep host), in the vector world by ``runs.batched``; both scored.
- assisted: with the expert answering every decision and takeovers recorded; in MetaDrive as ``takead drive --bags``,
  in the vector world by ``runs.assisted``; both scored.
- rows: the same, and training rows made of every takeover, of MetaDrive's clips and of the vector world's frames.

CPU seconds of this one process, both sides alternating by family, so that what else the machine does falls on both.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.vector.drives import DECIDE, Drive, expert_drive
from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.measures.driving_score import score_episode
from takead_ros.policy.model import Policy, load_model
from takead_ros.policy.vector import VECTOR_1
from takead_ros.recording.reader import frames
from takead_ros.runs.assisted import drive_assisted
from takead_ros.runs.batched import drive_batched
from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec
from takead_ros.scenarios import FAMILIES, build
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators import Simulator, open_simulator
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import compile_scenario
from takead_ros.simulators.vector.simulator import on_lanes
from takead_training.data.cache import encode_frames

FIRST_SEED = 3_000_000  # training seeds: a benchmark has no business with the evaluation's
COPIES = 16  # of each drive in a batch
KINDS = {
    "bare": "bare step",
    "loop": "closed loop, a decision",
    "assisted": "with takeovers recorded, a decision",
    "rows": "with takeovers as training rows, a decision",
}


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


def assisted_metadrive(runner: EpisodeRunner, model: Path, scenarios: list[Scenario]) -> tuple[float, float, float]:
    """CPU seconds of driving with takeovers and bags, and of making rows of the clips; decisions."""
    driven = rows = decisions = 0.0
    with tempfile.TemporaryDirectory() as bags:
        for one in scenarios:
            spec = EpisodeSpec("core", one.family, one.seed, str(model), takeovers=True, bags=bags)
            begin = process_time()
            result = runner.run(spec)
            driven += process_time() - begin
            decisions += result.duration / 0.1
            begin = process_time()
            for clip in result.clips:
                encode_frames(frames(Path(bags) / clip), clip, VECTOR_1)
            rows += process_time() - begin
    return driven, rows, decisions


def assisted_vector(policy: Policy, scenarios: list[Scenario]) -> tuple[float, float, float]:
    """The same of four times as many drives in a batch, and of the frames of their clips."""
    begin, decisions, rows = process_time(), 0.0, 0.0
    for one in drive_assisted(policy, scenarios * 4, record=True):
        score_episode(one.log)
        decisions += (len(one.log.x) - 1) / DECIDE
        start = process_time()
        for clip in one.clips:
            encode_frames(clip.moments, str(clip.start), VECTOR_1)
        rows += process_time() - start
    return process_time() - begin - rows, rows, decisions


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/novice.onnx"))
    parser.add_argument("--families", type=int, default=10, help="how many of core's families, evenly chosen")
    parser.add_argument("--json", type=new_file)
    arguments = parser.parse_args()
    policy, metadrive = load_model(arguments.model), open_simulator("metadrive")
    runner = EpisodeRunner(metadrive)
    spent = {f"{kind} {world}": Spent() for kind in KINDS for world in ("metadrive", "vector")}
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
        for world, assisted in (
            ("metadrive", partial(assisted_metadrive, runner, arguments.model)),
            ("vector", partial(assisted_vector, policy)),
        ):
            driven, making, decisions = assisted(scenarios)
            figures[f"assisted {world}"] = [(driven, decisions)]
            figures[f"rows {world}"] = [(driven + making, decisions)]
        if round_:
            for name, rows in figures.items():
                for seconds, count in rows:
                    spent[name].add(seconds, count)
            print(
                f"{family}: " + ", ".join(f"{name} {s.microseconds:.0f} us" for name, s in spent.items()),
                file=sys.stderr,
            )
    runner.close()
    ratios = {k: spent[f"{k} metadrive"].microseconds / spent[f"{k} vector"].microseconds for k in KINDS}
    print(f"{len(families)} families of core, 4 training seeds each; CPU of one process; {metadrive.name}")
    for kind, what in KINDS.items():
        metadrive_us, vector_us = (spent[f"{kind} {world}"].microseconds for world in ("metadrive", "vector"))
        print(f"{what}: MetaDrive {metadrive_us:.0f} us, vector {vector_us:.1f} us: {ratios[kind]:.1f} times as fast")
    content = {
        "families": families,
        "ratios": ratios,
        "microseconds": {name: s.microseconds for name, s in spent.items()},
        "simulator": metadrive.name,
    }
    give_json(content, arguments.json)
    return 0


if __name__ == "__main__":
    end_with(main)
