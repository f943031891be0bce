"""From the bridge's messages to a scene, on hand-written maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("carla", reason="the carla package is an extra")

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import ControlKind, LightState, LineKind, ObjectKind, RouteCommand
from takead_ros.vehicles.carla.assembly import EgoDimensions, SceneAssembly

LANE = -1.75
ROUTE = np.stack([np.arange(-58.0, 58.0), np.full(116, LANE)], 1)
CAR, WALKER = 6, 4


@pytest.fixture
def assembly(bridge: Any, crossing_xodr: str) -> SceneAssembly:
    """Everything is there at 10 s; the light at the far side has its trigger volume before the crossing."""
    made = SceneAssembly(EgoDimensions(4.79, 2.16), max_age_s=0.2, steering_share=lambda speed: 1.0 - 0.01 * speed)
    made.on_world(bridge.world(crossing_xodr))
    made.on_info(bridge.info())
    made.on_waypoints(bridge.waypoints(ROUTE))
    # pole at (12, -6), turned by 90 degrees: its volume at (-14, -1.75) in map is at (4.25, 26) in its own frame
    made.on_light_info(bridge.light_info(31, (12.0, -6.0, math.pi / 2.0), (4.25, 26.0), 3.0))
    made.on_light_status(bridge.light_status(31, 0))
    made.on_status(bridge.status(10.0, speed=8.0, steer=-0.25))
    made.on_objects(bridge.objects(10.0))
    return made


def test_the_ego_is_told_in_ros_signs(assembly: SceneAssembly, bridge: Any) -> None:
    scene = assembly.scene(bridge.odometry(10.0, -40.0, -1.25, 0.1, speed=8.0, turn=0.2))
    assert scene is not None and scene.stamp == bridge.stamp(10.0)
    ego = scene.ego
    assert (ego.x, ego.y, ego.yaw) == pytest.approx((-40.0, -1.25, 0.1))
    assert ego.speed == 8.0  # of vehicle_status, not odometry's
    assert ego.steering_angle == pytest.approx(0.25 * 1.22 * 0.92)  # the bridge's steer is positive to the right
    assert (ego.length, ego.width, ego.wheelbase) == pytest.approx((4.79, 2.16, 2.9))
    assert ego.max_steering_angle == 1.22
    assert ego.yaw_rate == 0.2
    assert scene.route.lateral_offset == pytest.approx(0.5)
    assert scene.route.heading_error == pytest.approx(0.1)


def test_acceleration_is_the_difference_of_speeds_and_reversing_is_negative(
    assembly: SceneAssembly, bridge: Any
) -> None:
    assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0, speed=8.0))
    assembly.on_status(bridge.status(10.05, speed=7.8))
    scene = assembly.scene(bridge.odometry(10.05, -39.6, LANE, 0.0, speed=7.8))
    assert scene is not None and scene.ego.acceleration == pytest.approx(-4.0)
    scene = assembly.scene(bridge.odometry(10.1, -39.2, LANE, 0.0, speed=-1.0))
    assert scene is not None and scene.ego.speed == -7.8


@pytest.mark.parametrize("bad", [{"x": math.nan}, {"y": math.inf}, {"yaw": math.nan}, {"turn": math.nan}])
def test_a_pose_that_is_none_changes_nothing(assembly: SceneAssembly, bridge: Any, bad: dict[str, float]) -> None:
    """It used to move the vehicle to the end of its route: behind NaN no place on the path is nearest."""
    good = {"x": -40.0, "y": LANE, "yaw": 0.0, "turn": 0.0}

    def odometry(time: float, **given: float) -> Any:
        at = {**good, **given}
        return bridge.odometry(time, at["x"], at["y"], at["yaw"], speed=8.0, turn=at["turn"])

    before = assembly.scene(odometry(10.0))
    with pytest.raises(TakeadError, match="odometry"):
        assembly.scene(odometry(10.05, **bad))
    after = assembly.scene(odometry(10.1))
    assert before is not None and after is not None
    assert after.route.remaining == before.route.remaining and after.route.completion == before.route.completion
    assert after.ego.acceleration == pytest.approx(0.0)


def test_the_route_announces_the_crossing_and_counts_down(assembly: SceneAssembly, bridge: Any) -> None:
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0))
    assert scene is not None
    route = scene.route
    assert route.targets[:, 0] == pytest.approx([-25.0, -10.0, 5.0])
    assert route.commands == (RouteCommand.STRAIGHT,) * 3
    assert route.path[0, 0] == pytest.approx(-50.0, abs=1.0)
    assert route.path[-1, 0] == pytest.approx(60.0, abs=1.0)  # 100 m ahead, beyond the goal
    assert route.remaining == pytest.approx(ROUTE[-1, 0] + 40.0, abs=1.0), "the route ends where the publisher's does"
    assert route.speed_limit == pytest.approx(30.0 * 0.44704)
    assert route.completion == 0.0
    assembly.on_status(bridge.status(11.0))
    assembly.on_objects(bridge.objects(11.0))
    later = assembly.scene(bridge.odometry(11.0, -30.0, LANE, 0.0))
    assert later is not None
    assert later.route.remaining == pytest.approx(route.remaining - 10.0)
    assert later.route.completion == pytest.approx(10.0 / route.remaining)


def test_lanes_around_the_ego_are_there_with_the_route_marked(assembly: SceneAssembly, bridge: Any) -> None:
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0))
    assert scene is not None
    marked = [line for line in scene.polylines if line.on_route]
    assert marked and all(line.kind is LineKind.LANE_CENTER for line in marked)
    assert all(np.allclose(line.points[:, 1], LANE, atol=0.01) for line in marked)
    again = assembly.scene(bridge.odometry(10.05, -39.9, LANE, 0.0))
    assert again is not None and again.polylines is scene.polylines  # static lines are converted once


@pytest.mark.parametrize(
    ("state", "expected"),
    [(0, LightState.RED), (1, LightState.YELLOW), (2, LightState.GREEN), (3, LightState.UNKNOWN)],
)
def test_a_light_counts_at_the_stop_point_of_its_lane(
    assembly: SceneAssembly, bridge: Any, state: int, expected: LightState
) -> None:
    assembly.on_light_status(bridge.light_status(31, state))
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0))
    assert scene is not None
    (control,) = scene.controls
    assert (control.kind, control.state, control.id) == (ControlKind.TRAFFIC_LIGHT, expected, 31)
    assert (control.x, control.y) == pytest.approx((-10.0, LANE), abs=0.6)
    assert control.distance == pytest.approx(30.0 - 4.79 / 2.0, abs=0.6)
    assert control.yaw == pytest.approx(0.0, abs=1e-3)


def test_a_light_of_another_arm_is_none_of_the_routes_business(assembly: SceneAssembly, bridge: Any) -> None:
    assembly.on_light_info(bridge.light_info(32, (-5.0, 14.0, 0.0), (3.25, 0.0), 3.0))  # at (-1.75, 14), going south
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0))
    assert scene is not None and scene.controls == ()


def test_a_parked_vehicle_of_the_map_stands_there_as_another(assembly: SceneAssembly, bridge: Any) -> None:
    """openads' publish_static_vehicles: numbers are the low 32 bits of the map's own."""
    assembly.on_objects(bridge.objects(10.0, bridge.object(4_294_967_290, CAR, -30.0, LANE + 2.0)))
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0, speed=8.0))
    assert scene is not None and scene.objects.id.tolist() == [4_294_967_290]
    assert (scene.objects.x[0], scene.objects.y[0]) == pytest.approx((-30.0, LANE + 2.0))


def test_objects_are_moved_on_to_the_odometry_and_the_ego_is_none(assembly: SceneAssembly, bridge: Any) -> None:
    assembly.on_objects(
        bridge.objects(
            9.95,
            bridge.object(9, CAR, -20.0, LANE, vx=4.0),
            bridge.object(7, CAR, -40.0, LANE),  # the ego itself
            bridge.object(8, WALKER, -25.0, 3.0, yaw=1.0, vy=-1.0, size=(0.4, 0.4, 1.8)),
            bridge.object(12, CAR, 0.0, 0.0, size=(1.0,)),  # no box: nothing can be said of it
        )
    )
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0))
    assert scene is not None
    objects = scene.objects
    assert objects.id.tolist() == [8, 9]
    assert objects.kind.tolist() == [ObjectKind.PEDESTRIAN, ObjectKind.CAR]
    assert objects.x == pytest.approx([-25.0, -19.8])
    assert objects.y == pytest.approx([2.95, LANE])
    assert objects.visibility.tolist() == [1.0, 1.0]


def test_a_car_as_narrow_as_a_bicycle_is_one(assembly: SceneAssembly, bridge: Any) -> None:
    """The bridge calls every vehicle a car whose blueprint has no object_type."""
    bicycle, motorcycle, smallest = (1.84, 0.66, 1.78), (1.82, 0.87, 1.59), (2.21, 1.48, 1.38)
    sizes = dict(enumerate((bicycle, motorcycle, smallest), start=10))
    assembly.on_objects(
        bridge.objects(10.0, *(bridge.object(i, CAR, -20.0 + i, LANE, size=size) for i, size in sizes.items()))
    )
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0))
    assert scene is not None
    assert scene.objects.kind.tolist() == [ObjectKind.CYCLIST, ObjectKind.CYCLIST, ObjectKind.CAR]


def test_a_walker_behind_a_truck_is_hidden(assembly: SceneAssembly, bridge: Any) -> None:
    truck = bridge.object(9, 7, -25.0, LANE, size=(8.0, 2.6, 3.5))
    walker = bridge.object(8, WALKER, -18.0, LANE, size=(0.4, 0.4, 1.8))
    assembly.on_objects(bridge.objects(10.0, truck, walker))
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0))
    assert scene is not None
    assert dict(zip(scene.objects.id.tolist(), scene.objects.visibility > 0.0, strict=True)) == {8: False, 9: True}


@pytest.mark.parametrize("topic", ["vehicle_status", "objects"])
def test_an_old_input_gives_no_scene_and_says_which(assembly: SceneAssembly, bridge: Any, topic: str) -> None:
    fresh = {"vehicle_status": lambda: assembly.on_objects(bridge.objects(11.0)),
             "objects": lambda: assembly.on_status(bridge.status(11.0))}  # fmt: skip
    fresh[topic]()
    assert assembly.scene(bridge.odometry(11.0, -40.0, LANE, 0.0)) is None
    assert assembly.fault == f"{topic} is 1.00 s older than odometry, at most 0.2 s is allowed"


def test_nothing_is_told_before_all_is_there(bridge: Any, straight_xodr: str) -> None:
    made = SceneAssembly(EgoDimensions(4.79, 2.16), max_age_s=0.2, steering_share=lambda speed: 1.0 - 0.01 * speed)
    faults = []
    for message, take in (
        (bridge.world(straight_xodr), made.on_world),
        (bridge.info(), made.on_info),
        (bridge.status(1.0), made.on_status),
        (bridge.objects(1.0), made.on_objects),
        (bridge.waypoints(np.stack([np.arange(2.0, 98.0), np.full(96, LANE)], 1)), made.on_waypoints),
    ):
        assert made.scene(bridge.odometry(1.0, 10.0, LANE, 0.0)) is None
        faults.append(made.fault)
        take(message)
    assert faults == [
        f"no {name} yet" for name in ("/carla/world_info", "vehicle_info", "vehicle_status", "objects", "waypoints")
    ]
    scene = made.scene(bridge.odometry(1.0, 10.0, LANE, 0.0))
    assert scene is not None and made.fault == ""
    (stop,) = scene.controls
    assert stop.kind is ControlKind.STOP_SIGN
    assert stop.distance == pytest.approx(48.0 - 10.0 - 4.79 / 2.0, abs=0.5)


def test_a_stop_sign_that_the_ego_stood_at_is_served_until_there_is_another_route(
    bridge: Any, straight_xodr: str
) -> None:
    waypoints = bridge.waypoints(np.stack([np.arange(2.0, 98.0), np.full(96, LANE)], 1))
    made = SceneAssembly(EgoDimensions(4.79, 2.16), max_age_s=0.2, steering_share=lambda speed: 1.0 - 0.01 * speed)
    made.on_world(bridge.world(straight_xodr))
    made.on_info(bridge.info())
    made.on_waypoints(waypoints)

    def state(time: float, x: float, speed: float) -> LightState:
        made.on_status(bridge.status(time, speed))
        made.on_objects(bridge.objects(time))
        scene = made.scene(bridge.odometry(time, x, LANE, 0.0, speed))
        assert scene is not None, made.fault
        return scene.controls[0].state

    assert state(1.0, 30.0, 0.0) is LightState.UNKNOWN, "it stood, but 15 m before the line"
    assert state(1.1, 44.0, 3.0) is LightState.UNKNOWN, "it came near, but drove"
    assert state(1.2, 44.0, 0.1) is LightState.GREEN
    assert state(1.3, 46.0, 4.0) is LightState.GREEN
    made.on_waypoints(waypoints)
    assert state(1.4, 40.0, 4.0) is LightState.UNKNOWN


def test_a_new_route_replaces_the_old_one(assembly: SceneAssembly, bridge: Any) -> None:
    assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0))
    assembly.on_waypoints(bridge.waypoints(np.zeros((0, 2))))  # the publisher lost the ego
    assert assembly.scene(bridge.odometry(10.05, -40.0, LANE, 0.0)) is None
    assert assembly.fault == "no waypoints yet"
    assembly.on_waypoints(bridge.waypoints(ROUTE[10:60]))
    scene = assembly.scene(bridge.odometry(10.05, -40.0, LANE, 0.0))
    assert scene is not None and scene.route.remaining == pytest.approx(40.0 + ROUTE[59, 0], abs=1.0)


def test_a_refused_vehicle_info_gives_no_scene(bridge: Any, crossing_xodr: str) -> None:
    made = SceneAssembly(EgoDimensions(4.79, 2.16), max_age_s=0.2, steering_share=lambda speed: 1.0 - 0.01 * speed)
    made.on_world(bridge.world(crossing_xodr))
    made.on_waypoints(bridge.waypoints(ROUTE))
    made.on_status(bridge.status(10.0))
    made.on_objects(bridge.objects(10.0))
    with pytest.raises(TakeadError, match="full lock"):
        made.on_info(bridge.info(lock=0.0))
    assert made.scene(bridge.odometry(10.0, -40.0, LANE, 0.0)) is None
    assert made.fault == "no vehicle_info yet"


def test_a_vehicle_that_cannot_be_is_refused(assembly: SceneAssembly, bridge: Any) -> None:
    with pytest.raises(TakeadError, match=r"full lock 0\.00 rad, expected"):
        assembly.on_info(bridge.info(lock=0.0))
    odd = bridge.info()
    for wheel in odd.wheels:
        wheel.position.x = 0.0
    with pytest.raises(TakeadError, match=r"wheelbase 0\.00 m"):
        assembly.on_info(odd)
    scene = assembly.scene(bridge.odometry(10.0, -40.0, LANE, 0.0))
    assert scene is not None and scene.ego.wheelbase == pytest.approx(2.9), "a refused vehicle_info is not used"
    info = bridge.info()
    info.wheels = info.wheels[:1]
    with pytest.raises(TakeadError, match="1 wheels, expected at least 2"):
        assembly.on_info(info)
