"""The expert at the wheel of a kinematic bicycle, on hand-made roads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.expert_road import Actor, acceleration_lane, bend, braking, drive, make_scene, standing, steady, straight
from takead_ros.domain.driving import DriverStatus
from takead_ros.domain.geometry import project
from takead_ros.domain.scene import ControlKind, EgoState, LightState, LineKind, ObjectKind, Polyline, TrafficControl
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan

pytestmark = pytest.mark.slow


def test_a_free_road_is_driven_at_the_limit_in_the_middle() -> None:
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 6.0), 8.0)
    assert run.values("speed")[-1] == pytest.approx(12.0, abs=0.2)
    assert np.abs(run.values("y")).max() < 0.02
    assert run.causes() == {("route", 0)}


@pytest.mark.parametrize("deceleration", [3.0, 5.0, 8.0])
def test_a_lead_that_brakes_is_not_hit(deceleration: float) -> None:
    lead = braking(7, 22.0, 10.0, 2.0, deceleration)
    run = drive(straight(left_edge=1.75), EgoState(0.0, 0.0, 0.0, 10.0), 10.0, [lead])
    gap = lead.pose(10.0)[0] - run.ego[-1].x - 4.6
    assert not run.touched
    assert run.values("speed")[-1] < 0.1
    assert 1.0 < gap < 9.0
    assert {kind for kind, number in run.causes() if number == 7} & {"lead", "obstacle"}


def test_an_obstacle_is_passed_where_there_is_room() -> None:
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 16.0, [standing(3, 60.0)])
    assert not run.touched
    assert run.ego[-1].x > 80.0
    assert run.values("y").max() < 5.25 - 0.95
    assert abs(run.ego[-1].y) < 0.3
    assert ("obstacle", 3) in run.causes()


def test_an_obstacle_without_room_beside_it_is_a_place_to_stop() -> None:
    run = drive(straight(left_edge=1.75), EgoState(0.0, 0.0, 0.0, 10.0), 20.0, [standing(3, 60.0)])
    assert not run.touched
    assert run.values("speed")[-1] < 0.1
    assert 1.0 < 60.0 - run.ego[-1].x - 4.6 < 12.0
    assert run.values("acceleration").min() > -5.0


def test_an_obstacle_is_passed_only_after_the_oncoming_car() -> None:
    oncoming = steady(4, 95.0, 3.5, np.pi, 8.0)
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 24.0, [standing(3, 45.0), oncoming])
    assert not run.touched
    assert run.ego[-1].x > 60.0
    beside = np.flatnonzero(run.values("y") > 1.5)[0] * 0.05
    assert oncoming.pose(beside)[0] < run.ego[round(beside / 0.05)].x + 5.0


def test_a_queue_is_waited_for_and_not_passed() -> None:
    def queued(number: int, x: float) -> Actor:
        return Actor(number, lambda t: (x + 5.0 * max(t - 10.0, 0.0), 0.0, 0.0, 5.0 if t > 10.0 else 0.0))

    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 16.0, [queued(1, 50.0), queued(2, 57.5)])
    assert not run.touched
    assert np.abs(run.values("y")).max() < 0.2
    assert run.ego[-1].x > 45.0


def test_vehicles_that_stand_in_line_for_ever_are_passed_in_the_end() -> None:
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 32.0, [standing(1, 50.0), standing(2, 57.5)])
    assert not run.touched
    assert run.ego[-1].x > 70.0


def cyclist(number: int, x: float, y: float, speed: float) -> Actor:
    return steady(number, x, y, 0.0, speed, kind=ObjectKind.CYCLIST, length=1.75, width=0.4)


def test_a_slow_cyclist_is_overtaken_with_room_to_spare() -> None:
    rider = cyclist(3, 35.0, -0.5, 4.0)
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 14.0, [rider])
    x, y = run.values("x"), run.values("y")
    beside = np.array([abs(rider.pose(0.05 * (i + 1))[0] - x[i]) < 3.2 for i in range(len(x))])
    assert not run.touched
    assert beside.any()
    assert (y[beside] - 0.95 + 0.5 - 0.2).min() > 1.0
    assert run.ego[-1].x > rider.pose(14.0)[0] + 10.0
    assert abs(run.ego[-1].y) < 0.3
    assert ("cyclist", 3) in run.causes()


def test_a_cyclist_is_followed_where_there_is_no_room_to_overtake() -> None:
    rider = cyclist(3, 35.0, -0.5, 4.0)
    run = drive(straight(left_edge=1.75), EgoState(0.0, 0.0, 0.0, 10.0), 14.0, [rider])
    assert not run.touched
    assert run.ego[-1].x < rider.pose(14.0)[0] - 4.0
    assert run.values("speed")[-1] == pytest.approx(4.0, abs=0.5)


def test_a_cyclist_is_overtaken_only_after_the_oncoming_car() -> None:
    rider, oncoming = cyclist(3, 25.0, -0.5, 4.0), steady(4, 85.0, 3.5, np.pi, 8.0)
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 18.0, [rider, oncoming])
    assert not run.touched
    assert run.ego[-1].x > rider.pose(18.0)[0] + 5.0
    out = int(np.flatnonzero(run.values("y") > 1.2)[0])
    assert oncoming.pose(0.05 * out)[0] < run.ego[out].x + 5.0


def hurrying(number: int, speed: float) -> Actor:
    """Comes from behind in the ego's lane and passes over the centre line."""

    def pose(t: float) -> tuple[float, float, float, float]:
        return -50.0 + speed * t, 2.4 * float(np.clip((t - 3.0) / 1.5, 0.0, 1.0)), 0.0, speed

    return Actor(number, pose, ObjectKind.EMERGENCY_VEHICLE, 5.7, 2.3)


def test_it_slows_and_makes_room_for_an_emergency_vehicle_from_behind_and_then_drives_on() -> None:
    vehicle = hurrying(5, 16.0)
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 14.0, [vehicle])
    x, y = run.values("x"), run.values("y")
    beside = np.array([abs(vehicle.pose(0.05 * (i + 1))[0] - x[i]) < 5.0 for i in range(len(x))])
    assert not run.touched
    assert beside.any()
    assert y[beside].max() < -0.35
    assert y.min() > -1.75 + 0.95
    assert run.values("speed")[beside].max() < 7.0
    assert ("emergency_vehicle", 5) in run.causes()
    assert run.values("acceleration").min() > -3.0
    assert abs(run.ego[-1].y) < 0.1
    assert run.values("speed")[-1] > 11.0


@pytest.mark.parametrize("side", [3.5, -3.5])
def test_it_leaves_the_lane_of_an_emergency_vehicle_when_the_lane_beside_is_free(side: float) -> None:
    road = straight(left_edge=max(side, 0.0) + 1.75, right_edge=min(side, 0.0) - 1.75)
    beside = Polyline(9, LineKind.LANE_CENTER, road.path + np.array([0.0, side]), False, 12.0, 3.5)
    lines = (*(line for line in road.lines if line.id != 4), beside)
    vehicle = steady(5, -60.0, 0.0, 0.0, 16.0, kind=ObjectKind.EMERGENCY_VEHICLE, length=5.7, width=2.3)
    neighbour = steady(6, 2.0, side, 0.0, 8.5)
    run = drive(replace(road, lines=lines), EgoState(0.0, 0.0, 0.0, 10.0), 23.0, [vehicle, neighbour])
    x, y = run.values("x"), run.values("y")
    level = np.array([abs(vehicle.pose(0.05 * (i + 1))[0] - x[i]) < 5.0 for i in range(len(x))])
    assert not run.touched
    assert level.any()
    assert np.abs(y[level] - side).max() < 0.6
    assert vehicle.pose(23.0)[0] > x[-1] + 10.0
    assert abs(y[-1]) < 0.2
    assert ("emergency_vehicle", 5) in run.causes()


def test_who_only_follows_is_no_emergency_vehicle() -> None:
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 9.0), 6.0, [steady(5, -40.0, 0.0, 0.0, 12.0)])
    assert np.abs(run.values("y")).max() < 0.05
    assert run.values("speed")[-1] == pytest.approx(12.0, abs=0.3)


def test_it_does_not_wait_for_ever_for_somebody_who_does_not_pass() -> None:
    def pose(t: float) -> tuple[float, float, float, float]:
        return (-50.0 + 16.0 * t, 0.0, 0.0, 16.0) if t < 3.0 else (-2.0 + 2.0 * (t - 3.0), 0.0, 0.0, 2.0)

    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 36.0, [Actor(5, pose, ObjectKind.EMERGENCY_VEHICLE)])
    assert ("emergency_vehicle", 5) in run.causes()
    assert run.values("speed")[-1] > 11.0
    assert abs(run.ego[-1].y) < 0.1


@pytest.mark.parametrize("first", [-30.0, -22.0, -14.0, -6.0])
def test_it_adjusts_its_speed_to_a_gap_and_merges_without_stopping(first: float) -> None:
    speed = 11.0
    traffic = [steady(i + 1, first + 25.0 - 33.0 * i, 0.0, 0.0, speed) for i in range(6)]
    run = drive(acceleration_lane(), EgoState(0.0, -3.5, 0.0, 8.0), 16.0, traffic)
    x, y = run.values("x"), run.values("y")
    enters = int(np.flatnonzero(y > -2.0)[0])  # about where its side crosses the line
    away = np.array([actor.pose(0.05 * (enters + 1))[0] - x[enters] for actor in traffic])
    assert not run.touched
    assert (away[away < 0.0].max(initial=-np.inf) + 4.6) / speed < -0.75
    assert away[away > 0.0].min(initial=np.inf) - 4.6 > 4.0
    assert run.values("speed").min() > 4.0
    assert run.values("acceleration").min() > -3.0
    assert abs(run.ego[-1].y) < 0.2


@pytest.mark.parametrize("walking", [1.0, 1.5, 2.0])
def test_a_crossing_pedestrian_is_not_hit(walking: float) -> None:
    person = Actor(9, lambda t: (40.0, -6.0 + walking * t, np.pi / 2, walking), ObjectKind.PEDESTRIAN, 0.6, 0.6)
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 12.0, [person])
    assert not run.touched
    assert run.ego[-1].x > 50.0


def test_it_slows_beside_a_van_at_the_kerb_and_says_why() -> None:
    van = standing(5, 60.0, -3.2, kind=ObjectKind.TRUCK, length=5.7, width=2.3)
    run = drive(straight(right_edge=-5.0), EgoState(0.0, 0.0, 0.0, 11.0), 12.0, [van])
    beside = np.abs(run.values("x") - 61.0) < 2.0
    assert run.values("speed")[beside].max() < 7.0
    assert run.values("acceleration").min() > -3.5
    assert ("occlusion", 5) in run.causes()


def test_somebody_who_steps_out_from_behind_the_van_is_not_hit() -> None:
    van = standing(5, 60.0, -3.2, kind=ObjectKind.TRUCK, length=5.7, width=2.3)

    def walk(t: float) -> tuple[float, float, float, float]:
        return 63.8, -4.2 + 1.5 * max(t - 4.6, 0.0), np.pi / 2, 1.5 if t > 4.6 else 0.0

    person = Actor(6, walk, ObjectKind.PEDESTRIAN, 0.6, 0.6, lambda t: 1.0 if walk(t)[1] > -2.3 else 0.0)
    run = drive(straight(right_edge=-5.0), EgoState(0.0, 0.0, 0.0, 11.0), 14.0, [van, person])
    assert not run.touched
    assert run.ego[-1].x > 66.0


def test_the_hidden_are_seen_only_with_privilege() -> None:
    person = Actor(6, lambda _t: (25.0, 0.0, 0.0, 0.0), ObjectKind.PEDESTRIAN, 0.6, 0.6, lambda _t: 0.0)
    scene = make_scene(straight(), EgoState(0.0, 0.0, 0.0, 10.0), [person])
    blind, _ = plan(scene, Memory(), ExpertParameters())
    told, _ = plan(scene, Memory(), ExpertParameters(privileged=True))
    assert blind.acceleration > 0.0
    assert told.acceleration < -1.0
    assert (told.cause.object_id, told.cause.visible) == (6, False)


def test_somebody_just_hidden_is_remembered() -> None:
    seen = Actor(
        6, lambda _t: (30.0, 0.0, 0.0, 0.0), ObjectKind.PEDESTRIAN, 0.6, 0.6, lambda t: 1.0 if t < 0.5 else 0.0
    )
    road, ego = straight(left_edge=1.75), EgoState(0.0, 0.0, 0.0, 10.0)
    _, memory = plan(make_scene(road, ego, [seen], 0.4), Memory(), ExpertParameters())
    soon, memory = plan(make_scene(road, ego, [seen], 1.0), memory, ExpertParameters())
    later, _ = plan(make_scene(road, ego, [seen], 5.0), memory, ExpertParameters())
    assert soon.acceleration < -1.0
    assert (soon.cause.object_id, soon.cause.visible) == (6, False)
    assert later.acceleration > 0.0


@pytest.mark.parametrize(
    ("offset", "yaw", "speed"),
    [(1.5, 0.0, 10.0), (-1.2, 0.3, 8.0), (1.0, -0.5, 6.0), (2.0, 0.3, 11.0), (0.0, 0.6, 4.0)],
)
def test_it_recovers_from_beside_the_lane_and_from_a_wrong_heading(offset: float, yaw: float, speed: float) -> None:
    run = drive(straight(), EgoState(0.0, offset, yaw, speed), 8.0)
    lateral = run.values("y")
    assert np.abs(lateral[-20:]).max() < 0.2
    assert np.abs(lateral).max() < abs(offset) + 1.6
    assert np.abs(run.values("yaw")[-20:]).max() < 0.05


@pytest.mark.parametrize("speed", [8.0, 14.0, 18.0])
def test_it_brakes_for_a_bend_even_when_it_takes_over_too_fast(speed: float) -> None:
    road = bend(18.0)
    run = drive(road, EgoState(15.0, 0.0, 0.0, speed), 14.0)
    away = max(abs(project(road.path, state.x, state.y)[1]) for state in run.ego)
    lateral = run.values("speed") * run.values("yaw_rate")
    assert away < 0.8
    assert np.abs(lateral).max() < 4.5
    assert run.ego[-1].y > 25.0


def test_it_yields_to_crossing_traffic_and_then_goes() -> None:
    crossing = [steady(i, 50.0, -75.0 - 22.0 * i, np.pi / 2, 10.0) for i in range(1, 4)]
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 9.0), 24.0, crossing)
    assert not run.touched
    assert run.ego[-1].x > 70.0


def light(state: LightState, at: float = 50.0) -> TrafficControl:
    return TrafficControl(1, ControlKind.TRAFFIC_LIGHT, state, at, 0.0, 0.0, 0.0)


def test_a_red_light_stops_it_before_the_line_and_green_lets_it_go() -> None:
    def controls(ego: EgoState, t: float) -> tuple[TrafficControl, ...]:
        state = LightState.RED if t < 12.0 else LightState.GREEN
        return (TrafficControl(1, ControlKind.TRAFFIC_LIGHT, state, 50.0, 0.0, 0.0, 50.0 - ego.x - 2.3),)

    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 11.0), 20.0, controls=controls)
    fronts = run.values("x") + 2.3
    waiting = fronts[round(11.0 / 0.05)]
    assert 47.0 < waiting < 50.0
    assert run.values("speed")[round(11.0 / 0.05)] < 0.1
    assert fronts[-1] > 70.0
    assert run.values("acceleration").min() > -3.5
    assert ("red_light", 1) in run.causes()


def test_a_stop_sign_is_stopped_at_once() -> None:
    def controls(ego: EgoState, _t: float) -> tuple[TrafficControl, ...]:
        return (TrafficControl(8, ControlKind.STOP_SIGN, LightState.UNKNOWN, 50.0, 0.0, 0.0, 50.0 - ego.x - 2.3),)

    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 10.0), 24.0, controls=controls)
    slow = run.values("speed") < 0.15
    assert slow.any()
    assert (run.values("x")[slow] + 2.3).max() < 50.0
    assert run.ego[-1].x > 70.0
    assert ("stop_sign", 8) in run.causes()


def test_a_yellow_light_too_close_to_stop_for_is_passed() -> None:
    yellow = TrafficControl(1, ControlKind.TRAFFIC_LIGHT, LightState.YELLOW, 12.0, 0.0, 0.0, 9.7)
    scene = make_scene(straight(), EgoState(0.0, 0.0, 0.0, 11.0), controls=(yellow,))
    output, _ = plan(scene, Memory(), ExpertParameters())
    assert output.status is DriverStatus.OK
    assert output.acceleration > -0.5
