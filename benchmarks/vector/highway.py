"""The vector world's step against highway-env's own, with as many vehicles, in one run:

    pip install --no-deps highway-env farama-notifications      (it asks for pygame-ce, which MetaDrive's pygame is)
    python -m benchmarks.vector.highway [--vehicles 20] [--environments 64] [--json FILE]

highway-env simulates ``highway-v0`` at 20 Hz, one step a decision, its kinematic observation included; its vehicles
keep lanes, follow by IDM and change lanes by MOBIL. The vector world steps copies of a straight road with as many road
users that follow by IDM, with contacts, lanes, navigation and the rules of the end; nobody in it changes lanes by
himself, and no observation is made. CPU seconds of this process, both sides in turn.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import argparse
from dataclasses import replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from time import process_time

import numpy as np

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.maps.roads import LanePath
from takead_ros.scenarios import build
from takead_ros.scenarios.spec import Actor, Model
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import compile_scenario
from takead_ros.simulators.vector.simulator import on_lanes

ROUNDS, STEPS = 5, 100
HZ = 20


def of_highway(vehicles: int) -> float:
    """us of a step of highway-env."""
    config = {
        "simulation_frequency": HZ,
        "policy_frequency": HZ,
        "vehicles_count": vehicles,
        "duration": 10_000,
        "offscreen_rendering": True,
    }
    import gymnasium

    import_module("highway_env")  # registers itself
    env = gymnasium.make("highway-v0", config=config)
    env.reset(seed=0)
    steps, begin = 0, process_time()
    for _ in range(STEPS):
        over = env.step(1)[2]
        steps += 1
        if over:
            break
    spent = process_time() - begin
    env.close()
    return 1e6 * spent / steps


def of_vector(vehicles: int, count: int) -> float:
    """us of a step of one environment, with ``count`` of them in a batch."""
    scenario = build("lead_hard_brake", 3_000_000)
    path: LanePath = scenario.route
    crowd = tuple(
        Actor(Model.CAR_M, path, scenario.start + 15.0 + 12.0 * i, speed=8.0, cruise=10.0, reactive=True)
        for i in range(vehicles)
    )
    made = compile_scenario(*on_lanes(replace(scenario, actors=crowd)))
    batch = Batch(count)
    batch.reset(range(count), [made] * count)
    commands = np.tile([0.0, 0.0], (count, 1))
    steps, begin = 0, process_time()
    for _ in range(STEPS):
        steps += int((~batch.done).sum())
        batch.step(commands)
    return 1e6 * (process_time() - begin) / steps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=20)
    parser.add_argument("--environments", type=int, default=64)
    parser.add_argument("--json", type=new_file)
    arguments = parser.parse_args()
    try:
        name = f"highway-env {version('highway-env')}"
    except PackageNotFoundError as error:
        raise SystemExit("highway-env is not installed; the head of this file says how") from error
    theirs, ours = [], []
    for _ in range(ROUNDS):
        theirs.append(of_highway(arguments.vehicles))
        ours.append(of_vector(arguments.vehicles, arguments.environments))
    first, second = float(np.median(theirs)), float(np.median(ours))
    print(
        f"{arguments.vehicles} vehicles: {name} {first:.0f} us a step, vector world {second:.1f} us: "
        f"{first / second:.0f} times as fast (medians of {ROUNDS})"
    )
    content = {"vehicles": arguments.vehicles, "highway_us": first, "vector_us": second, "ratio": first / second}
    give_json(content, arguments.json)
    return 0


if __name__ == "__main__":
    end_with(main)
