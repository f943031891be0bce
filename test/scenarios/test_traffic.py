"""Scripted traffic: car following, triggers, sideways motion. Pure, no simulator."""

from __future__ import annotations

import math

import numpy as np
import pytest

from takead_ros.maps.roads import LanePath
from takead_ros.scenarios import traffic
from takead_ros.scenarios.spec import Actor, Model, Phase, When
from takead_ros.scenarios.traffic import ActorMotion, Path

ROAD = Path(np.stack([np.arange(0.0, 400.0), np.zeros(400)], axis=1))
ANY = LanePath((">", ">>"), (0,))
DT = 0.05


def car(**fields: object) -> Actor:
    return Actor(Model.CAR_M, ANY, 0.0, reactive=True, **fields)  # type: ignore[arg-type]


def drive(actor: Actor, seconds: float, lead=lambda t: (math.inf, 0.0)) -> list[ActorMotion]:  # type: ignore[no-untyped-def]
    """Motion at each step; ``lead(t)`` gives the lead's (s of its rear, speed)."""
    motions = [traffic.start(actor)]
    for i in range(round(seconds / DT)):
        rear, speed = lead(i * DT)
        gap = rear - motions[-1].s - actor.length / 2.0
        motions.append(traffic.step_actor(actor, motions[-1], 399.0, gap, speed, DT))
    return motions


def test_a_follower_stops_behind_a_lead_that_brakes_at_eight() -> None:
    def lead(t: float) -> tuple[float, float]:
        braking = min(t, 12.0 / 8.0)
        return 20.0 + 12.0 * braking - 4.0 * braking**2, max(12.0 - 8.0 * t, 0.0)

    motions = drive(car(speed=12.0), 8.0, lead)
    assert motions[-1].speed == pytest.approx(0.0, abs=0.2)
    assert all(lead(i * DT)[0] - m.s - 2.3 > 0.3 for i, m in enumerate(motions[1:]))


def test_a_free_car_reaches_its_cruise_and_is_gone_at_the_end_of_its_path() -> None:
    motions = drive(car(speed=5.0, cruise=10.0), 50.0)
    assert motions[200].speed == pytest.approx(10.0, abs=0.1)
    assert motions[-1].gone


def test_a_braking_phase_keeps_to_its_deceleration() -> None:
    actor = car(speed=12.0)
    phase = Phase(When.TIME, 0.0, speed=0.0, deceleration=6.0)
    motion = traffic.begin_phase(phase, traffic.start(actor), 0.0)
    after = traffic.step_actor(actor, motion, 399.0, math.inf, 0.0, DT)
    assert after.speed == pytest.approx(12.0 - 6.0 * DT)


def test_triggers_come_when_they_say() -> None:
    motion = ActorMotion(s=20.0, d=0.0, speed=5.0, phase_since=2.0)

    def due(when: When, value: float, **now: float) -> bool:
        values = {"time": 3.0, "ego_gap": 30.0, "ego_speed": 10.0, "ego_travelled": 50.0, **now}
        return traffic.phase_is_due(Phase(when, value), motion.s, motion.phase_since, **values)

    assert due(When.TIME, 3.0) and not due(When.TIME, 3.1)
    assert due(When.SINCE, 1.0) and not due(When.SINCE, 1.1)
    assert due(When.EGO_GAP, 30.0) and not due(When.EGO_GAP, 29.0)
    assert due(When.EGO_PASSED, 30.0) and not due(When.EGO_PASSED, 31.0)
    assert due(When.EGO_ARRIVAL, 3.0) and not due(When.EGO_ARRIVAL, 2.9)
    assert due(When.EGO_ARRIVAL, 15.0, ego_speed=0.0) and not due(When.EGO_ARRIVAL, 14.0, ego_speed=0.0)
    assert due(When.EGO_TRAVELLED, 50.0) and due(When.OWN_S, 20.0) and not due(When.OWN_S, 20.1)


def test_a_lane_change_arrives_without_overshoot() -> None:
    actor = car(speed=10.0)
    motion = traffic.begin_phase(Phase(When.TIME, 0.0, lateral=-3.5, lateral_speed=1.6), traffic.start(actor), 0.0)
    track = [motion]
    for _ in range(120):
        track.append(traffic.step_actor(actor, track[-1], 399.0, math.inf, 0.0, DT))
    lateral = [m.d for m in track]
    assert min(lateral) >= -3.55 and lateral[-1] == pytest.approx(-3.5, abs=0.05)
    assert max(abs(m.drift) for m in track) <= 1.61


def test_who_was_hit_stands_where_that_happened() -> None:
    wrecked = traffic.wreck(ActorMotion(s=10.0, d=0.4, speed=10.0, drift=1.0))
    assert wrecked == ActorMotion(s=10.0, d=0.4, speed=0.0, drift=0.0, hit=True) and not wrecked.gone


@pytest.mark.parametrize(
    ("box", "blocked"),
    [
        ((30.0, 0.0, 0.0, 4.6, 1.85, 3.0, 0.0), True),  # ahead in the lane
        ((30.0, 3.5, 0.0, 4.6, 1.85, 3.0, 0.0), False),  # in the next lane
        ((30.0, 1.2, math.pi / 2, 0.7, 0.7, 0.0, -1.5), True),  # a person stepping in
        ((-12.0, 0.0, 0.0, 4.6, 1.85, 9.0, 0.0), False),  # behind
        ((30.0, 2.5, math.pi / 2, 4.6, 1.85, 0.0, -5.0), True),  # a crossing car's bonnet
        ((90.0, 0.0, 0.0, 4.6, 1.85, 0.0, 0.0), False),  # too far ahead to mind
    ],
)
def test_what_counts_as_in_the_way(box: tuple[float, ...], blocked: bool) -> None:
    actor = Actor(Model.CAR_M, ANY, 0.0, speed=10.0, reactive=True)
    boxes = np.array([(0.0, 0.0, 0.0, 4.6, 1.85, 10.0, 0.0), box])
    found = traffic.blockers((actor,), [traffic.start(actor)], [ROAD], boxes, [0])
    assert (0 in found) == blocked
    if blocked and box[1] == 0.0:
        assert found[0] == (pytest.approx(30.0 - 2.3 - 2.3, abs=0.1), 3.0)
