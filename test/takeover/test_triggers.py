"""The triggers: each with its enter and its exit condition, its sustain times, and what must not fire it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.monitor_road import BRAKES, Road, control, first, lane, route_off
from support.scenery import objects, output, scene
from takead_ros.domain.driving import Plan, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import (
    ControlKind,
    LightState,
    TrafficControl,
)
from takead_ros.takeover import risks
from takead_ros.takeover.parameters import MonitorParameters

P = MonitorParameters()


def test_nothing_wrong_nothing_asked() -> None:
    road = Road()
    assert {request.trigger for request in road.run(100, near=objects({"x": 20.0, "y": 4.0}))} == {Trigger.NONE}


def test_a_collision_within_two_seconds_that_the_expert_avoids() -> None:
    road = Road()
    got = [road.tick(near=objects({"x": 40.0, "y": 0.0}), expert=BRAKES) for _ in range(60)]
    i = first(got, Trigger.COLLISION_PREDICTED)
    gap = 40.0 - 2.25 - 2.3 - 0.2 - i * 0.5
    assert gap / 10.0 == pytest.approx(2.0, abs=0.25)
    assert got[i].object_id == 1 and got[i].time_to_event == pytest.approx(2.0, abs=0.21)
    assert 0.5 <= got[i].severity < got[i + 15].severity <= 1.0


def test_no_request_where_the_expert_does_no_better() -> None:
    road = Road()
    got = [road.tick(near=objects({"x": 40.0, "y": 0.0})) for _ in range(60)]
    assert Trigger.COLLISION_PREDICTED not in {request.trigger for request in got}


def test_without_an_expert_the_policy_alone_is_judged() -> None:
    road = Road()
    got = [road.tick(near=objects({"x": 30.0, "y": 0.0}), expert=None) for _ in range(30)]
    assert Trigger.COLLISION_PREDICTED in {request.trigger for request in got}


@pytest.mark.parametrize(
    "row",
    [{"x": 30.0, "y": 0.0, "visibility": 0.0}, {"x": 30.0, "y": 2.4}, {"x": -12.0, "y": 0.0, "vx": 20.0},
     {"x": 60.0, "y": 0.0}, {"x": 25.0, "y": 0.0, "vx": 10.0}],
)  # fmt: skip
def test_what_is_no_collision(row: dict[str, float]) -> None:
    road = Road()
    assert {r.trigger for r in road.run(6, near=objects(row), expert=BRAKES)} == {Trigger.NONE}


def test_a_pedestrian_who_will_have_crossed() -> None:
    road = Road()
    walker = {"kind": 3.0, "length": 0.6, "width": 0.6, "vy": 2.0}
    assert (
        first(road.run(8, near=objects({"x": 16.0, "y": -2.6, **walker}), expert=BRAKES), Trigger.COLLISION_PREDICTED)
        <= 2
    )
    road = Road()
    away = road.run(8, near=objects({"x": 16.0, "y": 1.6, **walker}), expert=BRAKES)
    assert {r.trigger for r in away} == {Trigger.NONE}


def test_a_collision_clears_late() -> None:
    road = Road()
    road.run(6, near=objects({"x": 24.0, "y": 0.0}), expert=BRAKES)
    got = road.run(20, expert=BRAKES)
    assert first(got, Trigger.NONE) == 10  # collision_clear_s


@pytest.mark.parametrize(
    ("given", "asked"),
    [(control(ControlKind.TRAFFIC_LIGHT, LightState.RED), True),
     (control(ControlKind.STOP_SIGN, LightState.UNKNOWN), True),
     (control(ControlKind.TRAFFIC_LIGHT, LightState.GREEN), False),
     (control(ControlKind.YIELD_SIGN, LightState.UNKNOWN), False),
     (control(ControlKind.TRAFFIC_LIGHT, LightState.RED, visible=False), False),
     (control(ControlKind.TRAFFIC_LIGHT, LightState.RED, distance=-1.0), False)],
)  # fmt: skip
def test_a_stop_line_that_only_the_expert_respects(given: TrafficControl, asked: bool) -> None:
    road = Road()
    got = road.run(6, expert=BRAKES, controls=(given,))
    assert (Trigger.COLLISION_PREDICTED in {r.trigger for r in got}) == asked
    both = Road().run(6, controls=(given,))
    assert {r.trigger for r in both} == {Trigger.NONE}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_steering_disagreement(sign: float) -> None:
    road = Road()
    lock = np.deg2rad(40.0)
    assert {r.trigger for r in road.run(20, policy={"steering": sign * 0.19 * lock})} == {Trigger.NONE}
    got = road.run(20, policy={"steering": sign * 0.21 * lock})
    assert first(got, Trigger.STEERING_DISAGREEMENT) in (6, 7)  # disagreement_sustain_s
    held = road.run(20, policy={"steering": sign * 0.11 * lock})
    assert {r.trigger for r in held} == {Trigger.STEERING_DISAGREEMENT}  # hysteresis
    gone = road.run(20, policy={"steering": sign * 0.09 * lock})
    assert first(gone, Trigger.NONE) in (6, 7)
    slow = Road(speed=0.9)
    assert {r.trigger for r in slow.run(20, policy={"steering": sign * 0.4})} == {Trigger.NONE}


def test_following_too_close() -> None:
    road = Road()
    lead = objects({"x": 14.0, "y": 0.0, "vx": 2.0})
    got = road.run(6, near=lead, policy={"acceleration": 0.0}, expert={"acceleration": -2.0, "speed": 9.0})
    assert Trigger.TIME_TO_COLLISION in {r.trigger for r in got} or Trigger.COLLISION_PREDICTED in {
        r.trigger for r in got
    }
    tail = objects({"x": 9.0, "y": 0.0, "vx": 10.0})  # headway 0.2 s, no closing speed
    road = Road()
    got = []
    for _ in range(8):
        got.append(
            road.tick(
                near=objects({"x": road.x + 6.5, "y": 0.0, "vx": 10.0}),
                policy={"acceleration": 1.0},
                expert={"acceleration": -2.0},
            )
        )
    assert first(got, Trigger.TIME_TO_COLLISION) == 3 and got[3].text.startswith("TTC")
    road = Road()
    quiet = road.run(8, near=tail, policy={"acceleration": -1.0}, expert={"acceleration": -2.0})
    assert Trigger.TIME_TO_COLLISION not in {r.trigger for r in quiet}


def test_crossing_traffic_is_not_followed() -> None:
    road = Road()
    got = road.run(6, near=objects({"x": 12.0, "y": 0.0, "vy": 8.0}), expert={"acceleration": -2.0})
    assert Trigger.TIME_TO_COLLISION not in {r.trigger for r in got}


def test_stuck() -> None:
    road = Road(speed=0.0)
    go = {"speed": 6.0, "acceleration": 1.5}
    got = road.run(120, policy={"acceleration": -1.0}, expert=go)
    i = first(got, Trigger.STUCK)
    assert i * 0.05 == pytest.approx(4.0, abs=0.06)
    road.speed = 3.0
    gone = road.run(20, policy={"acceleration": -1.0, "speed": 0.0}, expert=go)
    assert first(gone, Trigger.NONE) in (6, 7)
    waiting = Road(speed=0.0).run(120)
    assert {r.trigger for r in waiting} == {Trigger.NONE}


@pytest.mark.parametrize(("offset", "yaw"), [(2.6, 0.0), (-2.6, 0.0), (0.0, 1.1), (0.0, -1.1)])
def test_off_route(offset: float, yaw: float) -> None:
    away = Plan(np.linspace(5, 40, 8), np.full(8, 4.0), np.zeros(8), np.full(8, 10.0))
    road = Road()
    policy = replace(output(0), plan=away)
    got = [road.tick(policy=policy, route=route_off(scene(0, road.x), offset, yaw)) for _ in range(8)]
    assert first(got, Trigger.OFF_ROUTE) == 4
    back = [road.tick(policy=policy, route=route_off(scene(0, road.x), 0.9)) for _ in range(10)]
    assert first(back, Trigger.NONE) == 6
    road = Road()
    passing = [
        road.tick(policy=policy, expert=policy, route=route_off(scene(0, road.x), offset, yaw)) for _ in range(8)
    ]
    assert {r.trigger for r in passing} == {Trigger.NONE}


def test_every_trigger_of_the_monitor_has_its_record() -> None:
    of_people = {Trigger.NONE, Trigger.HUMAN_OVERRIDE, Trigger.BOOKMARK}
    assert set(risks.RECORDS) == set(Trigger) - of_people
    for which, record in risks.RECORDS.items():
        assert record.trigger is which and record.sustain_s(P) >= 0.0 and record.clear_s(P) > 0.0
    numbers = [f for f in MonitorParameters.model_fields.values() if f.annotation is float]
    assert len(numbers) == len(MonitorParameters.model_fields)
    assert all(min(m.ge for m in f.metadata if hasattr(m, "ge")) > 0.0 for f in numbers)


def test_a_world_that_began_long_ago_has_not_stood_since() -> None:
    """How long the ego stands is counted from its stop, not from the clock's zero."""
    road = Road(speed=0.0)
    road.i = 10_000
    waits = road.run(70, policy={"speed": 0.0}, expert={"speed": 5.0, "acceleration": 1.0})
    assert {request.trigger for request in waits} == {Trigger.NONE}
    assert road.run(30, policy={"speed": 0.0}, expert={"speed": 5.0, "acceleration": 1.0})[-1].trigger is Trigger.STUCK


@pytest.mark.parametrize(("speed", "stuck"), [(1.9, False), (2.1, True), (0.4, False)])
def test_an_expert_that_only_creeps_would_not_go(speed: float, stuck: bool) -> None:
    road = Road(speed=0.0, stuck_expert_mps=2.0)
    asked = road.run(100, policy={"speed": 0.0}, expert={"speed": speed, "acceleration": 1.0})
    assert (asked[-1].trigger is Trigger.STUCK) == stuck


def test_an_expert_that_creeps_below_a_low_threshold_would_not_go() -> None:
    road = Road(speed=0.0, stuck_expert_mps=0.5)
    asked = road.run(100, policy={"speed": 0.0}, expert={"speed": 0.4, "acceleration": 1.0})
    assert {request.trigger for request in asked} == {Trigger.NONE}


def test_new_lines_are_looked_at_as_the_first_ones_were() -> None:
    road = Road()
    road.tick(polylines=(lane(0.0, np.arange(0.0, 80.0)),))
    broken = lane(0.0, np.arange(0.0, 80.0))
    broken.points[7, 1] = np.nan
    with pytest.raises(TakeadError, match="not finite"):
        road.tick(polylines=(broken,))
