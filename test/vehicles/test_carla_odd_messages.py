"""Messages of the bridge that make no sense: each is refused with a word, and what was known before stays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("carla", reason="the carla package is an extra")

from support import fuzz, opendrive
from support.fuzz_carla import carla_subject
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import LightState
from takead_ros.vehicles.carla.assembly import EgoDimensions, SceneAssembly

pytestmark = pytest.mark.slow  # each reads a map
LANE = -1.75
ROUTE = np.stack([np.arange(-58.0, 58.0), np.full(116, LANE)], 1)
LIGHT = (31, (12.0, -6.0, math.pi / 2.0), (4.25, 26.0), 3.0)  # before the crossing


@pytest.fixture
def assembly(bridge: Any, crossing_xodr: str) -> SceneAssembly:
    made = SceneAssembly(EgoDimensions(4.79, 2.16), max_age_s=0.2, steering_share=lambda speed: 1.0)
    made.on_world(bridge.world(crossing_xodr))
    made.on_info(bridge.info())
    made.on_waypoints(bridge.waypoints(ROUTE))
    made.on_light_info(bridge.light_info(*LIGHT))
    made.on_light_status(bridge.light_status(31, 0))
    made.on_status(bridge.status(10.0, speed=8.0))
    made.on_objects(bridge.objects(10.0))
    return made


def lights(assembly: SceneAssembly, bridge: Any) -> list[LightState]:
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0, speed=8.0))
    assert scene is not None
    return [control.state for control in scene.controls if control.id == 31]


@pytest.mark.parametrize("at", [(math.nan, 0.0, 0.0), (1e300, 0.0, 0.0), (0.0, math.inf, 0.0), (0.0, 0.0, math.nan)])
def test_a_light_that_is_nowhere_takes_no_other_away(assembly: SceneAssembly, bridge: Any, at: Any) -> None:
    odd = bridge.light_info(*LIGHT)
    odd.traffic_lights += bridge.light_info(32, at, (0.0, 0.0), 3.0).traffic_lights
    with pytest.raises(TakeadError, match="place"):
        assembly.on_light_info(odd)
    assert lights(assembly, bridge) == [LightState.RED]


def test_a_new_map_has_its_lights_though_the_old_route_is_none_there(bridge: Any, crossing_xodr: str) -> None:
    """Latched topics come in any order."""
    made = SceneAssembly(EgoDimensions(4.79, 2.16), max_age_s=0.2, steering_share=lambda speed: 1.0)
    made.on_light_info(bridge.light_info(*LIGHT))
    made.on_waypoints(bridge.waypoints(ROUTE[:3]))
    with pytest.raises(TakeadError, match=r"waypoints: a route of 2\.0 m"):
        made.on_world(bridge.world(crossing_xodr))
    made.on_info(bridge.info())
    made.on_waypoints(bridge.waypoints(ROUTE))
    made.on_light_status(bridge.light_status(31, 0))
    made.on_status(bridge.status(10.0, speed=8.0))
    made.on_objects(bridge.objects(10.0))
    assert lights(made, bridge) == [LightState.RED]


@pytest.mark.parametrize("far", [3e9, 1e300, math.inf, math.nan])
def test_a_route_without_end_is_refused_before_it_takes_the_memory(
    assembly: SceneAssembly, bridge: Any, far: float
) -> None:
    with pytest.raises(TakeadError, match=r"waypoints: a route of .* expected 10 m to 100 km"):
        assembly.on_waypoints(bridge.waypoints([(0.0, LANE), (far, LANE)]))
    assert assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0)) is None and assembly.fault == "no waypoints yet"


@pytest.mark.parametrize(
    ("old", "new"), [('name="crossing"', 'name="&foo;"'), ("<OpenDRIVE>", "<OpenDRIVE>\x01"), ('id="1"', 'id="one"')]
)
def test_a_map_that_only_carlas_reader_takes_is_refused(
    assembly: SceneAssembly, bridge: Any, old: str, new: str
) -> None:
    text = opendrive.crossing()
    assert old in text
    with pytest.raises(TakeadError, match="expected OpenDRIVE text"):
        assembly.on_world(bridge.world(text.replace(old, new, 1)))
    assert lights(assembly, bridge) == [LightState.RED]


@pytest.mark.parametrize("seed", range(3))
def test_the_node_survives_any_message_of_the_bridge(seed: int) -> None:
    """The long run: ``python benchmarks/node_fuzz.py --nodes carla``."""
    said = fuzz.fuzz(carla_subject(), 200, seed)
    assert said["scene"] >= 60 and said["/carla/ego_vehicle/vehicle_control_cmd"] > 60
