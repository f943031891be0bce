"""The vector world's compiled kernels against the definitions that they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.vector_road import ROUTE, lane_map, scenario
from takead_ros.domain import car_following
from takead_ros.domain.geometry import Path, box_corners, boxes_overlap
from takead_ros.domain.kernels import box_gap
from takead_ros.domain.scene import ControlKind, LightState
from takead_ros.maps.lanemap import LaneMap
from takead_ros.maps.roads import LanePath
from takead_ros.scenarios.spec import Actor, Change, Control, Model, Phase, When
from takead_ros.simulators.vector import bodies, road, traffic
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario, compile_scenario

finite = {"allow_nan": False, "allow_infinity": False}


@st.composite
def actors(draw: st.DrawFn) -> Actor:
    def real(low: float, high: float) -> float:
        return draw(st.floats(low, high, **finite))

    speed = draw(st.sampled_from((0.0, real(0.5, 12.0))))
    phases = tuple(
        Phase(
            when=draw(st.sampled_from(tuple(When))),
            value=real(0.0, 60.0),
            speed=draw(st.sampled_from((None, real(0.0, 12.0)))),
            lateral=draw(st.sampled_from((None, real(-4.0, 4.0)))),
            acceleration=draw(st.sampled_from((None, real(0.5, 3.0)))),
            deceleration=draw(st.sampled_from((None, real(0.5, 8.0)))),
            lateral_speed=real(0.5, 2.0),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    return Actor(
        model=draw(st.sampled_from(tuple(Model))),
        path=LanePath(("a", "b"), (draw(st.integers(0, 1)),)),
        s=real(0.0, 250.0),
        lateral=real(-3.0, 3.0),
        speed=speed,
        phases=phases,
        reactive=draw(st.booleans()),
        cruise=draw(st.sampled_from((None, real(0.0, 12.0)))),
        yaw_offset=draw(st.sampled_from((0.0, 0.3))),
        light=draw(st.sampled_from((None, (real(50.0, 200.0), True), (real(50.0, 200.0), False)))),
        light_index=draw(st.sampled_from((None, 0, 1))),
        present=draw(st.sampled_from((None, (30.0, 120.0), (0.0, 60.0)))),
        braking=real(4.0, 8.0),
    )


class Plain:
    """The same others, moved by the definition."""

    def __init__(self, made: CompiledScenario, lanes: LaneMap) -> None:
        from takead_ros.scenarios.road_users import RoadUsers
        from takead_ros.scenarios.signals import Signals

        self.users = RoadUsers(made.scenario, lanes)
        self.signals = Signals(made.scenario.controls, made.navigation.path)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(actors(), min_size=1, max_size=6), st.floats(-1.5, 1.5, **finite), st.integers(0, 2**31))
def test_others_move_as_the_definition_says(others: list[Actor], bend: float, seed: int) -> None:
    """Position, speed and presence of everybody over 100 ticks of a drive with random commands; lights too."""
    from takead_ros.simulators.vector.environment import ego_state, objects_in

    lanes = lane_map(bend)
    light = Control(
        ControlKind.TRAFFIC_LIGHT,
        90.0,
        LightState.RED,
        (
            Change(When.EGO_GAP, 40.0, LightState.GREEN),
            Change(When.SINCE, 3.0, LightState.RED),
        ),
    )
    other = Control(ControlKind.TRAFFIC_LIGHT, 150.0, LightState.GREEN, (Change(When.TIME, 2.0, LightState.RED),))
    made = compile_scenario(scenario(tuple(others), (light, other)), lanes)
    batch, plain = Batch(1), Plain(made, lanes)
    batch.reset([0], [made])
    navigation, rng = made.navigation, np.random.default_rng(seed)
    wrecks: set[int] = set()
    for _ in range(100):
        before = ego_state(batch.state, 0, batch.vehicle)
        navigation.s = float(batch.state.navigation[0, 0])
        time = float(batch.state.tick[0]) * batch.step_s
        plain.users.come_and_go(before, navigation.s, time)
        plain.users.advance(before, navigation, plain.signals, time, batch.step_s)
        batch.step(np.array([[rng.uniform(-0.02, 0.02), rng.uniform(-2.0, 3.0)]]))
        for i in np.flatnonzero(batch.state.touched[0, : len(others)]):
            wrecks.add(int(i))
            plain.users.wreck(int(i))
        ego = ego_state(batch.state, 0, batch.vehicle)
        plain.signals.advance(time + batch.step_s, float(batch.state.navigation[0, 0]), ego.speed, ego.length / 2.0)
        expected, found = plain.users.objects(), objects_in(batch.layout, batch.state, 0)
        assert found.id.tolist() == expected.id.tolist()
        for name in ("x", "y", "vx", "vy"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-6)
        assert np.cos(found.yaw - expected.yaw) == pytest.approx(np.ones(len(found.id)), abs=1e-9)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.floats(-6.0, 6.0, **finite), min_size=3, max_size=3),
    st.lists(st.floats(0.5, 6.0, **finite), min_size=4, max_size=4),
    st.floats(-3.2, 3.2, **finite),
)
def test_boxes_overlap_as_in_geometry(place: list[float], sizes: list[float], yaw: float) -> None:
    x, y, other = place
    own = bodies.box(np.array([0.0, 0.0, yaw]), sizes[0], sizes[1])
    gap = box_gap(own, bodies.box(np.array([x, y, other]), sizes[2], sizes[3]))
    first = box_corners(*(np.array(v) for v in (0.0, 0.0, yaw, sizes[0], sizes[1])))
    second = box_corners(*(np.array(v) for v in (x, y, other, sizes[2], sizes[3])))
    if abs(gap) > 1e-9:
        assert bool(boxes_overlap(first, second)) == (gap < 0.0)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.0, 300.0, **finite), st.floats(-1.5, 1.5, **finite))
def test_places_on_a_path(s: float, bend: float) -> None:
    path = Path(lane_map(bend).path(ROUTE))
    found = traffic.pose_on_path(
        np.ascontiguousarray(path.points[:, 0]),
        np.ascontiguousarray(path.points[:, 1]),
        path.arc,
        path.yaw,
        0,
        len(path.arc),
        s,
    )
    assert found == pytest.approx(path.at(s), abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(*(st.floats(0.0, high, **finite) for high in (15.0, 15.0, 60.0, 15.0, 8.0, 2.0)))
def test_following_is_the_definition_s(
    speed: float, desired: float, gap: float, lead: float, braking: float, headway: float
) -> None:
    arguments = (speed, desired, gap, lead, braking, headway)
    assert car_following.idm_acceleration_part(*arguments) == pytest.approx(
        car_following.idm_acceleration(*arguments), rel=1e-12, abs=1e-12
    )


def test_a_place_that_is_no_number_is_beyond_every_lane() -> None:
    batch = Batch(1)
    batch.reset([0], [compile_scenario(scenario(), lane_map(0.0))])
    assert road.beyond_lanes(batch.layout, batch.state, 0, batch.vehicle) == 0.0
    for column in range(3):  # x, y, yaw
        kept = batch.state.ego[0, column]
        batch.state.ego[0, column] = np.nan
        assert road.beyond_lanes(batch.layout, batch.state, 0, batch.vehicle) == np.inf
        batch.state.ego[0, column] = kept
