"""Trivial drivers on a suite's own episodes, so that its scores mean something:

    python benchmarks/baselines.py --suite core --seeds 0-3 [--drivers NAME,..] [--workers 2] [--json FILE]

Each drives exactly the episodes of ``takead eval`` (same scenario, simulator, step and scoring), deciding at 10 Hz:

- constant_speed: along the reference path at the speed limit, slower in bends only; brakes for nobody.
- lane_idm: the same, with the Intelligent Driver Model behind whatever is in its lane, which it sees through anything
  and brakes for at once with up to 9 m/s^2; knows no lights, no signs, no forecast, and never passes.
- metadrive_idm: MetaDrive's own ``IDMPolicy``, told its route.
- metadrive_ppo: MetaDrive's bundled PPO expert (``metadrive.examples.ppo_expert``, its mean action), fed its own lidar
  and state observation of the same ego.

A suite tells drivers apart where none of these comes near the expert.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import math
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from pydantic.dataclasses import dataclass

from takead_ros import __version__, scenarios
from takead_ros.cli.program import end_with
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import arc_lengths, box_corners, points_at, project, to_local, wrap_angle
from takead_ros.domain.scene import FloatArray, Scene
from takead_ros.domain.seeds import parse_seeds
from takead_ros.files import refuse_existing, write_record
from takead_ros.maps.roads import Roads
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.summary import Summary, aggregate
from takead_ros.policy.tracking import track_plan
from takead_ros.runs.drive import JOURNAL_SUFFIX
from takead_ros.runs.journal import Journal
from takead_ros.runs.results import RECORD, EpisodeResult
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators import Episode, Simulator, open_simulator
from takead_ros.simulators.metadrive.blocks import node_name
from takead_ros.simulators.metadrive.episode import MetaDriveEpisode


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Settings:
    """What must be the same for a run to be continued."""

    suite: str
    families: tuple[str, ...]
    seeds: tuple[int, ...]
    version: str
    simulator: str


@dataclass(frozen=True, kw_only=True, config=RECORD)
class DriverSummary(Summary):
    episodes: tuple[EpisodeResult, ...]


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Baselines(Settings):
    """The JSON file."""

    drivers: dict[str, DriverSummary]


Command = tuple[float, float]  # steering angle rad, acceleration m/s^2
Driver = Callable[[Episode], Command]  # called once every PERIOD

PERIOD = 0.1  # s between two decisions
BEND_ACCELERATION = 3.0  # m/s^2 of lateral acceleration in bends
PREVIEW = 40.0  # m ahead in which bends are looked for
# the Intelligent Driver Model (Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805) of lane_idm
ACCELERATION, COMFORT, HEADWAY, STANDSTILL, HARDEST = 2.0, 3.0, 1.2, 3.0, 9.0  # m/s^2, m/s^2, s, m, m/s^2
LANE_MARGIN = 0.2  # m beside the ego's body that counts as its lane
# MetaDrive's default vehicle, for which its drivers' pedals are meant: four wheels, 1100 kg, physics steps of 20 ms
FULL_THROTTLE = 4 * 800.0 / 1100.0  # m/s^2
FULL_BRAKE = 4 * 150.0 / 1100.0 / 0.02  # m/s^2; more than the tyres hold, as there
FULL_LOCK = math.radians(40.0)


def _cruise(scene: Scene) -> tuple[FloatArray, FloatArray, float]:
    """The reference path ahead (P, 2) m from beside the ego, its arc (P,) m, and the speed m/s for it and its bends."""
    path = scene.route.path
    here = project(path, scene.ego.x, scene.ego.y)[0]
    arc = arc_lengths(path) - here
    steps = np.diff(path, axis=0)
    heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    curvature = np.abs(heading[4:] - heading[:-4]) / np.maximum(arc[4:-1] - arc[:-5], 1e-6)
    ahead = arc[2:-3]
    near = (ahead > -2.0) & (ahead < PREVIEW)
    bend = np.sqrt(BEND_ACCELERATION / np.maximum(curvature[near], 1e-3))
    limit = scene.route.speed_limit if scene.route.speed_limit is not None else 8.0
    # what may be driven here so that a calm deceleration suffices for the bend ahead
    reachable = np.sqrt(bend**2 + 2.0 * 2.0 * np.maximum(ahead[near], 0.0))
    return path, arc, float(min(limit, reachable.min(initial=limit)))


def _follow(scene: Scene, speed: float) -> float:
    """Steering angle rad along the reference path at ``speed`` m/s."""
    path, arc, _ = _cruise(scene)
    times = PLAN_DT * np.arange(1, PLAN_STEPS + 1)
    points = points_at(path, max(speed, 2.0) * times - arc[0])
    local = to_local(points, scene.ego.x, scene.ego.y, scene.ego.yaw)
    ahead = points_at(path, max(speed, 2.0) * times - arc[0] + 0.5)
    heading = np.arctan2(ahead[:, 1] - points[:, 1], ahead[:, 0] - points[:, 0])
    yaw = wrap_angle(heading - scene.ego.yaw)
    return track_plan(Plan(local[:, 0], local[:, 1], yaw, np.full(PLAN_STEPS, speed)), scene.ego)[0]


def _hold(scene: Scene, speed: float) -> float:
    return float(np.clip((speed - scene.ego.speed) / 0.5, -COMFORT, ACCELERATION))


def constant_speed(episode: Episode) -> Driver:
    def drive(episode: Episode) -> Command:
        scene = episode.observe()
        speed = _cruise(scene)[2]
        return _follow(scene, scene.ego.speed), _hold(scene, speed)

    return drive


def _lead(scene: Scene) -> tuple[float, float]:
    """(gap m, speed m/s along the lane) of the nearest box ahead that reaches into the ego's lane; (inf, 0): none."""
    path, ego = scene.route.path, scene.ego
    here = project(path, ego.x, ego.y)[0]
    gap, speed = math.inf, 0.0
    objects = scene.objects
    corners = box_corners(objects.x, objects.y, objects.yaw, objects.length, objects.width)
    for i in range(len(objects)):
        places = [project(path, x, y) for x, y in corners[i]]
        low, high = min(place[1] for place in places), max(place[1] for place in places)
        half = ego.width / 2.0 + LANE_MARGIN
        if low > half or high < -half or max(place[0] for place in places) < here:
            continue
        distance = min(place[0] for place in places) - here - ego.length / 2.0
        if distance < gap:
            heading = places[0][2]
            gap, speed = distance, float(objects.vx[i] * np.cos(heading) + objects.vy[i] * np.sin(heading))
    return gap, speed


def lane_idm(episode: Episode) -> Driver:
    def drive(episode: Episode) -> Command:
        scene = episode.observe()
        wanted = _cruise(scene)[2]
        acceleration = _hold(scene, wanted)
        gap, lead_speed = _lead(scene)
        if gap < math.inf:
            v = scene.ego.speed
            reach = STANDSTILL + max(
                0.0, HEADWAY * v + v * (v - lead_speed) / (2.0 * math.sqrt(ACCELERATION * COMFORT))
            )
            follow = ACCELERATION * (1.0 - (v / max(wanted, 0.1)) ** 4 - (reach / max(gap, 0.1)) ** 2)
            acceleration = max(min(acceleration, follow), -HARDEST)
        return _follow(scene, scene.ego.speed), acceleration

    return drive


def _vehicle(episode: MetaDriveEpisode) -> Any:
    """MetaDrive's ego, given the navigation to the scenario's destination that its own environment would give it."""
    from metadrive.component.navigation_module.node_network_navigation import NodeNetworkNavigation

    ego, scenario = episode.ego_body, episode.scenario
    assert isinstance(scenario.roads, Roads)
    nodes = [node_name(node, scenario.roads) for node in scenario.route.nodes]
    ego.config["navigation_module"] = NodeNetworkNavigation
    ego.add_navigation()
    lane = ego.navigation.map.road_network.get_lane((nodes[0], nodes[1], scenario.route.lanes[0]))
    ego.navigation._current_lane = lane
    ego.navigation.set_route(lane.index, nodes[-1])
    ego.navigation.update_localization(ego)
    ego.update_dist_to_left_right()
    return ego


def _pedals(action: Any) -> Command:
    steering, pedal = (float(np.clip(value, -1.0, 1.0)) for value in action)
    return steering * FULL_LOCK, pedal * (FULL_THROTTLE if pedal >= 0.0 else FULL_BRAKE)


def metadrive_idm(episode: Episode) -> Driver:
    from metadrive.component.static_object.traffic_object import TrafficObject
    from metadrive.component.vehicle.base_vehicle import BaseVehicle
    from metadrive.policy.idm_policy import IDMPolicy
    from metadrive.utils.pg.utils import ray_localization

    assert isinstance(episode, MetaDriveEpisode)
    ego = _vehicle(episode)
    policy = IDMPolicy(ego, episode.scenario.seed)
    metadrive_bodies = episode.bodies

    def drive(episode: Episode) -> Command:
        # it asks every vehicle and object for its lane, which MetaDrive's own traffic knows and scripted bodies do not
        bodies = list(metadrive_bodies.values())
        for body in bodies:
            lanes = ray_localization(body.heading, body.position, body.engine)
            lane = lanes[0][0] if lanes else None
            if isinstance(body, BaseVehicle):
                body.navigation = SimpleNamespace(current_lane=lane)
            elif isinstance(body, TrafficObject):
                body.lane = lane
        command = _pedals(policy.act())
        for body in bodies:
            if isinstance(body, BaseVehicle):
                body.navigation = None
        return command

    return drive


def metadrive_ppo(episode: Episode) -> Driver:
    from metadrive.examples.ppo_expert.numpy_expert import expert

    assert isinstance(episode, MetaDriveEpisode)
    ego = _vehicle(episode)
    heading = ego.heading
    shared = ego.engine.global_config["vehicle_config"]
    shared["navigation_module"] = ego.config["navigation_module"]  # its observation is laid out by this at first use
    expert(ego, deterministic=True)
    shared["navigation_module"] = None

    def drive(episode: Episode) -> Command:
        nonlocal heading
        ego.last_heading_dir = heading  # its yaw rate is the turn since the last decision, over 0.1 s
        heading = ego.heading
        return _pedals(expert(ego, deterministic=True))

    return drive


DRIVERS: dict[str, Callable[[Episode], Driver]] = {
    driver.__name__: driver for driver in (constant_speed, lane_idm, metadrive_idm, metadrive_ppo)
}

_simulator: Simulator | None = None  # MetaDrive allows one engine in a process


def episode(work: tuple[str, str, str, int]) -> EpisodeResult:
    """One scored episode of (driver, suite, family, seed)."""
    global _simulator
    name, suite, family, seed = work
    _simulator = _simulator or open_simulator("metadrive")
    driven = _simulator.reset(scenarios.build(family, seed))
    drive = DRIVERS[name](driven)
    every = round(PERIOD / driven.step_s)
    command: Command = (0.0, 0.0)
    tick = 0
    while not driven.done:
        if tick % every == 0:
            command = drive(driven)
        driven.step(*command)
        tick += 1
    return EpisodeResult(**vars(score_episode(driven.outcome(), suite)), triggers=(), driver=name)


def key(work: tuple[str, str, str, int]) -> str:
    return f"{work[0]}/{work[2]}/{work[3]}"


def run(work: list[tuple[str, str, str, int]], workers: int) -> Iterator[EpisodeResult]:
    """Results in the order of ``work``."""
    if workers == 1:
        yield from map(episode, work)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(episode, work)


def table(summaries: dict[str, DriverSummary]) -> str:
    """Driving Score (success rate %) of each family and driver, as Markdown."""
    names = list(summaries)
    lines = ["| family | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for family in next(iter(summaries.values())).scenarios:
        cells = [summaries[name].scenarios[family] for name in names]
        lines.append(
            f"| {family} | " + " | ".join(f"{c.driving_score:.1f} ({c.success_rate:.0%})" for c in cells) + " |"
        )
    every = [f"**{s.driving_score:.1f} ({s.success_rate:.0%})**" for s in summaries.values()]
    return "\n".join([*lines, "| **all** | " + " | ".join(every) + " |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="core", help="a suite, or one family")
    parser.add_argument("--seeds", default="0-3", help="as of takead eval")
    parser.add_argument("--drivers", default=",".join(DRIVERS), help=f"some of {','.join(DRIVERS)}")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here; the same command continues")
    arguments = parser.parse_args()
    names = arguments.drivers.split(",")
    unknown = [name for name in names if name not in DRIVERS]
    if unknown:
        parser.error(f"--drivers: '{unknown[0]}' is none, expected some of {','.join(DRIVERS)}")
    try:
        suite, seeds = load_suite(arguments.suite), parse_seeds(arguments.seeds)
        if arguments.json is not None:
            refuse_existing(arguments.json)
    except TakeadError as problem:
        parser.error(str(problem))
    work = [(name, suite.name, family, seed) for name in names for seed in seeds for family in suite.families]
    settings = Settings(
        suite=suite.name, families=suite.families, seeds=tuple(seeds), version=__version__,
        simulator=f"metadrive {version('metadrive-simulator')}",
    )  # fmt: skip
    try:
        kept = arguments.json and arguments.json.with_name(arguments.json.name + JOURNAL_SUFFIX)
        journal = Journal(kept, settings, EpisodeResult) if kept else None
    except TakeadError as problem:
        parser.error(str(problem))
    done = dict(journal.results) if journal else {}
    waiting = [item for item in work if key(item) not in done]
    for item, result in zip(waiting, run(waiting, arguments.workers), strict=True):
        done[key(item)] = result
        if journal:
            journal.add(key(item), result)
        kinds = ", ".join(infraction.kind for infraction in result.infractions)
        print(
            f"{len(done)}/{len(work)} {key(item)}: {result.driving_score:.1f} {result.end} {kinds}",
            file=sys.stderr,
            flush=True,
        )
    results = [done[key(item)] for item in work]
    summaries = {}
    for name in names:
        own = tuple(result for result in results if result.driver == name)
        summaries[name] = DriverSummary(**vars(aggregate(own)), episodes=own)
    print(table(summaries))
    if arguments.json is not None:
        write_record(arguments.json, Baselines(**vars(settings), drivers=summaries))


if __name__ == "__main__":
    end_with(main)
