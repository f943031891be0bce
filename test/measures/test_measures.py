"""What happened in an episode: infractions and their penalties, takeovers, and what changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.logs import STEP, episode, objects, turned
from takead_ros.domain.driving import EventKind, Source, TakeoverEvent, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import ControlKind, LightState, ObjectKind, Objects, TrafficControl
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.episode_log import Contact, End, EpisodeLog, Traffic


def contact(tick: int, kind: ObjectKind, number: int = 1) -> Contact:
    return Contact(tick, number, int(kind), 0.0, 0.0, 0.0)


def test_a_clean_run_is_a_full_score() -> None:
    result = score_episode(episode())
    assert (result.driving_score, result.success, result.penalty, result.infractions) == (100.0, True, 1.0, ())
    assert result.distance == pytest.approx(100.0) and result.duration == pytest.approx(10.0)
    assert result.mean_speed == pytest.approx(10.0) and result.min_ttc is None


@pytest.mark.parametrize(
    ("kinds", "want"),
    [
        ([ObjectKind.PEDESTRIAN], 50.0), ([ObjectKind.CAR], 60.0), ([ObjectKind.CYCLIST], 60.0),
        ([ObjectKind.CONE], 65.0), ([ObjectKind.CAR, ObjectKind.PEDESTRIAN], 30.0), ([ObjectKind.TRUCK] * 2, 36.0),
    ],
)  # fmt: skip
def test_penalties_multiply(kinds: list[ObjectKind], want: float) -> None:
    contacts = tuple(contact(10 + i, kind, i + 1) for i, kind in enumerate(kinds))
    result = score_episode(episode(contacts=contacts))
    assert result.driving_score == pytest.approx(want) and not result.success


def test_touching_the_same_car_again_at_once_is_one_collision_and_later_two() -> None:
    at_once = (contact(10, ObjectKind.CAR), contact(30, ObjectKind.CAR))
    later = (contact(10, ObjectKind.CAR), contact(90, ObjectKind.CAR))
    assert score_episode(episode(contacts=at_once)).driving_score == pytest.approx(60.0)
    assert score_episode(episode(contacts=later)).driving_score == pytest.approx(36.0)


def test_being_run_into_while_standing_is_not_the_egos_infraction() -> None:
    log = episode(speed=0.0, route_length=50.0, contacts=(contact(10, ObjectKind.CAR),), end=End.TIME_LIMIT)
    assert [infraction.kind for infraction in score_episode(log).infractions] == ["scenario_timeout"]


def test_ending_early_costs_the_rest_of_the_route() -> None:
    half = episode(route_length=200.0, end=End.BLOCKED)
    assert score_episode(half).driving_score == pytest.approx(50.0)
    late = episode(route_length=200.0, end=End.TIME_LIMIT)
    assert score_episode(late).driving_score == pytest.approx(35.0)
    assert [i.kind for i in score_episode(half).infractions] == ["blocked"] and not score_episode(half).success


def test_off_road_takes_away_its_share_of_the_route() -> None:
    off = np.zeros(201)
    off[101:121] = 1.0  # 20 of 200 steps
    result = score_episode(episode(off_road=off))
    assert result.driving_score == pytest.approx(90.0)
    (infraction,) = result.infractions
    assert (
        infraction.kind == "off_road" and infraction.time == pytest.approx(5.05) and infraction.x == pytest.approx(50.5)
    )
    assert score_episode(episode(off_road=np.full(201, 0.2))).success


def test_off_road_counts_of_the_way_driven() -> None:
    """Half of the way driven beyond the lanes, the route abandoned half-way."""
    log = episode()
    log = replace(log, route_length=200.0, end=End.BLOCKED, off_road=np.where(log.x > 50.0, 1.0, 0.0))
    assert score_episode(log).driving_score == pytest.approx(100.0 * 0.5 * 0.5, abs=0.3)


@pytest.mark.parametrize("name", ["x", "speed", "off_road", "route_s", "route_length", "ego_width"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_log_that_is_not_finite_is_refused(name: str, value: float) -> None:
    whole = getattr(episode(), name)
    spoiled = value if isinstance(whole, float) else np.where(np.arange(len(whole)) == 5, value, whole)
    with pytest.raises(TakeadError, match=f"cut_in 1: '{name}' is not finite"):
        replace(episode(), **{name: spoiled})
    with pytest.raises(TakeadError, match="an object of tick 0 is not finite"):
        episode(others=(objects((value, 0.0, 0.0, 0.0, 0.0)),) * 201)


def line(kind: ControlKind, state: LightState, at: float, log: EpisodeLog) -> tuple[tuple[TrafficControl, ...], ...]:
    return tuple((TrafficControl(7, kind, state, at, 0.0, 0.0, at - s - 2.0),) for s in log.x)


def test_red_lights_and_stop_signs() -> None:
    log = episode()
    red = score_episode(replace(log, controls=line(ControlKind.TRAFFIC_LIGHT, LightState.RED, 52.0, log)))
    assert [(i.kind, round(i.time, 2), i.object_id) for i in red.infractions] == [("red_light", 5.0, 7)]
    assert red.driving_score == pytest.approx(70.0)
    green = replace(log, controls=line(ControlKind.TRAFFIC_LIGHT, LightState.GREEN, 52.0, log))
    assert score_episode(green).driving_score == 100.0
    sign = replace(log, controls=line(ControlKind.STOP_SIGN, LightState.UNKNOWN, 52.0, log))
    assert score_episode(sign).driving_score == pytest.approx(80.0)
    slow = log.speed.copy()
    slow[98] = 0.0  # 1 m before the line
    assert score_episode(replace(sign, speed=slow)).driving_score == 100.0
    slow = log.speed.copy()
    slow[40] = 0.0  # 30 m before it
    assert score_episode(replace(sign, speed=slow)).driving_score == pytest.approx(80.0)


def event(kind: EventKind) -> TakeoverEvent:
    return TakeoverEvent(0, kind, 1, Source.EXPERT, Trigger.TIME_TO_COLLISION, 1.0, None, "")


def test_takeovers_and_shares() -> None:
    sources = ((Source.POLICY, Source.POLICY),) * 150 + ((Source.POLICY, Source.EXPERT),) * 50
    result = score_episode(episode(sources=sources, events=(event(EventKind.START), event(EventKind.END))))
    assert result.takeovers == 1 and result.takeovers_per_km == pytest.approx(10.0)
    assert result.expert_share == pytest.approx(0.25)


@settings(max_examples=12, deadline=None)
@given(
    angle=st.floats(-3.1, 3.1),
    dx=st.floats(-500.0, 500.0),
    dy=st.floats(-500.0, 500.0),
    order=st.permutations(range(3)),
)
def test_turning_the_map_and_the_order_of_objects_change_nothing(
    angle: float, dx: float, dy: float, order: list[int]
) -> None:
    rows = ((40.0, 0.4, 0.2, 2.0, 0.0), (60.0, -3.0, 1.0, 0.0, 3.0), (20.0, 4.0, 0.0, 8.0, 0.0))
    log = episode(others=tuple(objects(*rows) for _ in range(201)), contacts=(contact(77, ObjectKind.CAR),))
    shuffled = Traffic.of([objects(*rows).select(np.array(order)) for _ in range(201)])
    other = turned(replace(log, objects=shuffled), angle, dx, dy)
    first, second = score_episode(log), score_episode(other)
    for name in ("driving_score", "comfort", "efficiency", "distance", "route_completion"):
        assert getattr(second, name) == pytest.approx(getattr(first, name), abs=1e-6)
    for name in ("min_ttc", "post_encroachment_time"):
        assert getattr(second, name) == pytest.approx(getattr(first, name), abs=0.11)
    assert [(i.kind, i.factor) for i in second.infractions] == [(i.kind, i.factor) for i in first.infractions]


@settings(max_examples=30, deadline=None)
@given(kinds=st.lists(st.sampled_from([ObjectKind.CAR, ObjectKind.PEDESTRIAN, ObjectKind.CONE]), max_size=4))
def test_another_infraction_never_helps(kinds: list[ObjectKind]) -> None:
    contacts = tuple(contact(10 + i, kind, i + 1) for i, kind in enumerate(kinds))
    more = (*contacts, contact(100, ObjectKind.CAR, 99))
    assert score_episode(episode(contacts=more)).driving_score < score_episode(episode(contacts=contacts)).driving_score


@pytest.mark.parametrize(("stays_behind", "want"), [(True, 70.0), (False, 100.0)])
def test_an_emergency_vehicle_has_to_end_up_ahead(stays_behind: bool, want: float) -> None:
    pace = 10.0 if stays_behind else 14.0
    others = tuple(
        objects((pace * t * STEP - 20.0, 2.5, 0.0, pace, 0.0), kind=ObjectKind.EMERGENCY_VEHICLE) for t in range(201)
    )
    result = score_episode(episode(others=others))
    assert result.driving_score == pytest.approx(want)
    assert [(i.kind, i.object_id) for i in result.infractions] == [("yield_to_emergency_vehicle", 1)] * stays_behind
    # one that had passed and left the road is judged by where it was seen last
    gone = (*others[:180], *(Objects.empty(),) * 21)
    assert score_episode(episode(others=gone)).driving_score == pytest.approx(want)
    assert score_episode(episode(contacts=(contact(9, ObjectKind.EMERGENCY_VEHICLE),))).driving_score == pytest.approx(
        60.0
    )
