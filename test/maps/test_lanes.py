"""Lanes from a road's description: MetaDrive's to the last bit, and a network in which every path can be driven."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from takead_ros.maps.build import build_lanes
from takead_ros.maps.lanemap import JOINED, LaneMap
from takead_ros.maps.road_builder import RoadBuilder
from takead_ros.maps.roads import ARMS, Arm, Place, Roads
from takead_ros.scenarios import ALL_FAMILIES, build
from takead_ros.simulators.metadrive.simulator import MetaDrive


def _benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks/lanes.py"
    spec = importlib.util.spec_from_file_location("lanes_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PIECED = [name for name in ALL_FAMILIES if isinstance(build(name, 0).roads, Roads)]


@pytest.mark.slow
@pytest.mark.parametrize("family", PIECED)
def test_lanes_are_metadrive_s_to_the_last_bit(simulator: MetaDrive, family: str) -> None:
    """``python benchmarks/lanes.py`` does the same for 50 seeds."""
    compare = _benchmark().compare
    for seed in (0, 1, 3_000_002):
        found = compare(simulator, build(family, seed))
        assert found.lanes > 3 and found.others == () and found.distance_m == 0.0, seed


@pytest.mark.parametrize("family", PIECED)
def test_every_path_of_a_family_runs_from_lane_to_lane(family: str) -> None:
    """Each lane of a path goes on where the one before ends, or beside it where the path changes lanes."""
    for seed in range(6):
        scenario = build(family, seed)
        assert isinstance(scenario.roads, Roads)
        lanes = LaneMap(build_lanes(scenario.roads), scenario.speed_limit)
        for path in (scenario.route, *(actor.path for actor in scenario.actors)):
            for before, key in pairwise(path.keys):
                on = lanes.successors(before)
                assert any(other[:2] == key[:2] for other in on), (seed, before, key)
                step = np.abs(np.diff(lanes.path(path), axis=0))
                assert step.max() < 1.1


def _crossing(lanes: int = 2) -> tuple[RoadBuilder, LaneMap]:
    builder = RoadBuilder(lanes, 3.5, 60.0, arm=50.0)
    builder.crossing("left")
    return builder, LaneMap(build_lanes(builder.build()), None)


def test_a_crossing_leads_from_each_arm_to_the_three_others() -> None:
    _, lanes = _crossing()
    enters = {arm: Place(1, f"{arm}_mouth", True) for arm in ARMS[:3]} | {"back": Place(0, "end")}
    leaves = {arm: Place(1, f"{arm}_mouth") for arm in ARMS[:3]} | {"back": Place(0, "end", True)}
    through = {key[:2] for key, lane in lanes.lanes.items() if lane.junction}
    assert through == {(enters[a], leaves[b]) for a in ARMS for b in ARMS if a != b}
    for arm, place in enters.items():
        outwards = [lane for lane in lanes.lanes.values() if lane.key[1] == leaves[arm] and not lane.junction]
        assert outwards == [], "arms are entered from the junction only"
        for lane in lanes.lanes.values():
            if lane.key[1] == place and not lane.junction:
                assert len(lanes.successors(lane.key)) == 3, "left, ahead, right"


def test_a_t_junction_has_an_edge_where_its_arm_is_missing() -> None:
    for closed in ("right", "ahead", "left"):
        builder = RoadBuilder(1, 3.5, 60.0)
        leave: Arm = "left" if closed != "left" else "right"
        builder.t_junction(leave, closed)  # type: ignore[arg-type]
        lanes = build_lanes(builder.build())
        assert not any(f"{closed}_" in str(place) for lane in lanes for place in lane.key[:2])
        straight_on = [lane for lane in lanes if lane.junction and _turn(lane.center) < 0.01]
        assert [lane.right is not None for lane in straight_on].count(True) == 1 and len(straight_on) == 2


def _turn(center: np.ndarray) -> float:
    first, last = center[1] - center[0], center[-1] - center[-2]
    return float(abs(first[0] * last[1] - first[1] * last[0]))


def test_the_ring_of_a_roundabout_closes() -> None:
    builder = RoadBuilder(1, 3.5, 60.0)
    ways = builder.roundabout("ahead", 16.0, 16.0)
    lanes = LaneMap(build_lanes(builder.build()), None)
    for arm in ARMS:
        join, fork = Place(1, f"{arm}_join"), Place(1, f"{arm}_fork")
        after = Place(1, f"{ARMS[(ARMS.index(arm) + 1) % 4]}_join")
        assert (fork, after, 0) in lanes.successors((join, fork, 0))
    way = ways.way("left", "ahead")
    assert all((a, b, 0) in lanes.lanes for a, b in pairwise(way))


def test_neighbours_lie_one_lane_width_apart() -> None:
    builder = RoadBuilder(3, 3.25, 60.0).curve(60.0, 40.0, True, 20.0)
    lanes = LaneMap(build_lanes(builder.build()), None)
    for key, lane in lanes.lanes.items():
        left, right = lanes.neighbours(key)
        assert (left is None) == (key[2] == 0) and (right is None) == (key[2] == 2)
        if left is not None:
            other = lanes.lanes[left].center
            assert np.hypot(*(other[0] - lane.center[0])) == pytest.approx(3.25)
            assert np.hypot(*(other[-1] - lane.center[-1])) == pytest.approx(3.25)
    assert JOINED < 3.25


def test_where_the_centre_may_be_crossed_its_line_is_broken() -> None:
    from takead_ros.domain.scene import LineKind

    for passable, kind in ((True, LineKind.BOUNDARY_BROKEN), (False, LineKind.BOUNDARY_SOLID)):
        lanes = build_lanes(RoadBuilder(1, 3.5, 60.0).straight(100.0).build(passable))
        assert {lane.left for lane in lanes} == {kind, None}, "one of the two directions names it"


def test_lanes_need_no_simulator() -> None:
    code = (
        "import sys; sys.modules['metadrive'] = None\n"
        "from takead_ros.scenarios import build\nfrom takead_ros.simulators.layout import lay_out\n"
        "lanes, scenario = lay_out(build('long_town', 0)); print(len(lanes) > 50, len(scenario.actors) > 3)\n"
        "from takead_ros.domain.errors import TakeadError\n"
        "try:\n    lay_out(build('safe_metadrive', 0))\nexcept TakeadError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True True\nscenario safe_metadrive: roads of kind SafeMetaDriveMap belong to a")
