"""Our lanes against MetaDrive's: ``python benchmarks/lanes.py [--seeds 0-49] [--families cut_in,merge]``.

Builds the roads of every family that is made of pieces, once from its description (``maps.build``) and once in
MetaDrive, and compares each lane: its ends, length, width, what marks its borders, and every sample of its centre line
and borders. Prints for each family how many lanes there were, the largest distance between two samples and the longest
CPU time that ours took. Exit code 1 where a lane is missing, differs in kind, or lies more than 1 cm off.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from time import process_time

import numpy as np

from takead_ros import scenarios
from takead_ros.domain.seeds import parse_seeds
from takead_ros.maps.build import build_lanes
from takead_ros.maps.lanemap import Lane
from takead_ros.maps.roads import Node, Place, Roads
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators import open_simulator
from takead_ros.simulators.api import Simulator
from takead_ros.simulators.metadrive.blocks import node_name, read_network
from takead_ros.simulators.metadrive.episode import MetaDriveEpisode

TOLERANCE = 0.01  # m
FAMILIES = tuple(name for name in scenarios.ALL_FAMILIES if isinstance(scenarios.build(name, 0).roads, Roads))


@dataclass(frozen=True)
class Difference:
    """Between our lanes and MetaDrive's: ``lanes`` compared, the largest distance m, what else differs, ours in s."""

    lanes: int
    distance_m: float
    others: tuple[str, ...]
    seconds: float


def compare(simulator: Simulator, scenario: Scenario) -> Difference:
    """The roads of ``scenario`` in both."""
    assert isinstance(scenario.roads, Roads)
    # where the centre may be crossed our lanes say so; MetaDrive has no such marking
    roads = replace(scenario.roads, passable_centre=False)
    episode = simulator.reset(replace(scenario, roads=roads, actors=()))
    assert isinstance(episode, MetaDriveEpisode)
    start = process_time()
    ours = build_lanes(roads)
    seconds = process_time() - start
    theirs = {lane.key: lane for lane in read_network(episode.network, roads.lanes)}
    keys = [(_name(lane.key[0], roads), _name(lane.key[1], roads), lane.key[2]) for lane in ours]
    if keys != list(theirs):
        return Difference(
            len(ours), float("inf"), (f"lanes {sorted(set(keys) ^ set(theirs))} or their order",), seconds
        )
    others = [f"{key}: {text}" for key, lane in zip(keys, ours, strict=True) for text in _differing(lane, theirs[key])]
    gaps = [
        float(np.hypot(*(getattr(lane, line) - getattr(theirs[key], line)).T).max())
        for key, lane in zip(keys, ours, strict=True)
        for line in ("center", "left_line", "right_line")
        if len(getattr(lane, line)) == len(getattr(theirs[key], line))
    ]
    return Difference(len(ours), max(gaps), tuple(others), seconds)


def _name(node: Node, roads: Roads) -> str:
    """MetaDrive has all tapers between two nodes of the same names."""
    if isinstance(node, Place) and node.name in ("taper", "tapered"):
        return {"taper": "decoration", "tapered": "decoration_"}[node.name]
    return node_name(node, roads)


def _differing(ours: Lane, theirs: Lane) -> list[str]:
    found = [
        f"{field} {getattr(ours, field)} against {getattr(theirs, field)}"
        for field in ("left", "right", "junction")
        if getattr(ours, field) != getattr(theirs, field)
    ]
    found += [
        f"{field} {getattr(ours, field)} against {getattr(theirs, field)} m"
        for field in ("length", "width")
        if abs(getattr(ours, field) - getattr(theirs, field)) > TOLERANCE
    ]
    return found + [
        f"samples of {line}"
        for line in ("center", "left_line", "right_line")
        if len(getattr(ours, line)) != len(getattr(theirs, line))
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-49", help="as of takead eval")
    parser.add_argument("--families", default=",".join(FAMILIES))
    arguments = parser.parse_args()
    seeds = parse_seeds(arguments.seeds)
    simulator, bad = open_simulator("metadrive"), 0
    print("| family | lanes | largest distance m | longest CPU ms |\n|---|---:|---:|---:|")
    for family in arguments.families.split(","):
        found = [compare(simulator, scenarios.build(family, seed)) for seed in seeds]
        distance = max(each.distance_m for each in found)
        longest = 1e3 * max(each.seconds for each in found)
        print(f"| {family} | {sum(each.lanes for each in found)} | {distance:.1e} | {longest:.1f} |", flush=True)
        others = [text for each in found for text in each.others]
        print("".join(f"{family}: {text}\n" for text in others[:5]), end="", file=sys.stderr)
        bad += bool(others) or distance > TOLERANCE
    simulator.close()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
