"""A bent road of two lanes, and scenarios on it, for the vector world's kernels."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.geometry import arc_lengths
from takead_ros.domain.scene import FloatArray, LineKind
from takead_ros.maps.lanemap import Lane, LaneMap
from takead_ros.maps.roads import LanePath, Roads
from takead_ros.scenarios.spec import Ability, Actor, Control, Scenario
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario, compile_scenario

LENGTH = 300.0
ROUTE = LanePath(("a", "b"), (0,))


def lane_map(bend: float) -> LaneMap:
    """One lane of 300 m that turns left by ``bend`` rad in all, with a second one to its left."""
    at = np.linspace(0.0, LENGTH, 301)
    heading = bend * at / LENGTH
    centre = np.stack([np.cumsum(np.cos(heading)), np.cumsum(np.sin(heading))], axis=1)
    left = np.stack([-np.sin(heading), np.cos(heading)], axis=1)

    def lane(index: int, line: FloatArray) -> Lane:
        return Lane(
            ("a", "b", index),
            line,
            float(arc_lengths(line)[-1]),
            3.5,
            LineKind.BOUNDARY_BROKEN,
            LineKind.ROAD_EDGE,
            False,
            line + 1.75 * left,
            line - 1.75 * left,
        )

    return LaneMap([lane(0, centre), lane(1, centre + 3.5 * left)], 12.0)


def scenario(actors: tuple[Actor, ...] = (), controls: tuple[Control, ...] = (), speed: float = 8.0) -> Scenario:
    return Scenario(
        "test",
        0,
        Ability.MIXED,
        Roads(1, 3.5, LENGTH, ()),
        ROUTE,
        20.0,
        250.0,
        speed,
        12.0,
        60.0,
        actors,
        controls=controls,
    )


def compiled(*actors: Actor, bend: float = 0.5, controls: tuple[Control, ...] = ()) -> CompiledScenario:
    return compile_scenario(scenario(actors, controls), lane_map(bend))
