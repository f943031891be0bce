"""How many anchors a second are tracked and scored, with others that replay and others that react, in one run:

    python -m benchmarks.vector.anchors [--model models/novice.onnx] [--families 6] [--json FILE]

Scenes of expert drives in the vector world (``core``, training seeds), one every 2 s; all anchors of the model at each,
rolled out under the deployed tracker (``prediction/anchors.py``) for 2 s and for 4 s. CPU of this one process.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
from pathlib import Path
from time import process_time

import numpy as np

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import new_file
from takead_ros.domain.scene import FloatArray, Objects, Scene
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan
from takead_ros.policy.model import load_model
from takead_ros.policy.route_frame import route_frame
from takead_ros.policy.vocabulary import plans_from_profiles
from takead_ros.prediction.anchors import HORIZONS_S, score_scenes
from takead_ros.scenarios import FAMILIES, build
from takead_ros.simulators import Simulator, open_simulator

FIRST_SEED = 3_000_000  # training seeds: a benchmark has no business with the evaluation's
TICKS, EVERY, FUTURE = 400, 40, 50  # ticks of a drive, between two scenes; samples of a future
REQUIRED = 5000.0  # trajectories a second, others replayed


def scenes(simulator: Simulator, family: str) -> list[tuple[Scene, list[Objects]]]:
    """Scenes of the expert's drive with the objects that were there from then on, every 0.1 s."""
    episode, memory, command, seen = simulator.reset(build(family, FIRST_SEED)), Memory(), (0.0, 0.0), list[Scene]()
    while not episode.done and len(seen) < TICKS:
        seen.append(episode.observe())
        if len(seen) % 2:
            output, memory = plan(seen[-1], memory, ExpertParameters())
            command = output.steering_angle, output.acceleration
        episode.step(*command)
    found = range(0, len(seen) - 2 * FUTURE, EVERY)
    return [(seen[i], [one.objects for one in seen[i : i + 2 * FUTURE : 2]]) for i in found]


def anchors_at(scene: Scene, profiles: FloatArray) -> FloatArray:
    """The anchors (K, 8, 2) m at a scene."""
    return plans_from_profiles(profiles, scene.ego.speed, route_frame(scene))[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/novice.onnx"))
    parser.add_argument("--families", type=int, default=6)
    parser.add_argument("--json", type=new_file)
    arguments = parser.parse_args()
    policy, simulator = load_model(arguments.model), open_simulator("vector")
    profiles = policy.run_batch(policy.format.empty(1))["anchors"]
    families = list(FAMILIES)[:: max(len(FAMILIES) // arguments.families, 1)][: arguments.families]
    cases = [case for family in families for case in scenes(simulator, family)]
    moments = [(scene, future, anchors_at(scene, profiles)) for scene, future in cases]
    others = float(np.mean([len(future[0]) for _, future in cases]))
    print(f"{len(cases)} scenes of {len(families)} families, {len(profiles)} anchors, {others:.1f} others")
    rates: dict[str, float] = {}
    for reactive in (False, True):
        for horizon in HORIZONS_S:
            score_scenes(moments[:1], horizon, reactive)  # warm
            begin = process_time()
            score_scenes(moments, horizon, reactive)
            rate = len(cases) * len(profiles) / (process_time() - begin)
            rates[f"{'reacting' if reactive else 'replayed'} {horizon:.0f} s"] = rate
            print(
                f"others {'reacting' if reactive else 'replayed'}, {horizon:.0f} s: {rate:,.0f} trajectories a second"
            )
    content = {"families": families, "scenes": len(cases), "anchors": len(profiles), "others": others}
    give_json({**content, "trajectories_per_s": rates}, arguments.json)
    return 0 if rates["replayed 4 s"] >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
