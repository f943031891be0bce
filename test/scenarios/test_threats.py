"""What a threat asks: who drives with care has room for it, who does not look has not. From the scripts themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from takead_ros.domain.navigation import Navigation
from takead_ros.maps.roads import CORNER
from takead_ros.scenarios import build
from takead_ros.scenarios.junctions import meeting
from takead_ros.scenarios.parts import IN_LANE, arrival
from takead_ros.scenarios.passing import HALF_WIDTH
from takead_ros.scenarios.spec import Actor, Model, Scenario, When
from takead_ros.simulators.episode import ScriptedEpisode
from takead_ros.simulators.metadrive.simulator import MetaDrive

SEEDS = range(150)
PEEP = 0.15  # m that a person stands out beside what hides them until they are seen


def _hidden(scenario: Scenario) -> list[tuple[Actor, Actor]]:
    """(van, person) of all who step out from behind a van."""
    vans = [actor for actor in scenario.actors if actor.model is Model.VAN and not actor.speed]
    pairs = []
    for actor in scenario.actors:
        if actor.model is Model.PEDESTRIAN and [phase.when for phase in actor.phases] == [When.EGO_GAP]:
            van = max((van for van in vans if van.s < actor.s), key=lambda van: van.s)
            pairs.append((van, actor))
    return pairs


@pytest.mark.parametrize("family", ["pedestrian_from_van", "parking_exit", "close_cut_in", "speed_limit_change"])
def test_who_passes_a_van_with_care_can_stop_and_who_passes_at_the_limit_cannot(family: str) -> None:
    met = 0
    for seed in SEEDS:
        scenario = build(family, seed)
        for van, person in _hidden(scenario):
            met += 1
            (step,) = person.phases
            edge, far = -van.lateral - van.width / 2.0, -person.lateral
            assert far - person.width / 2.0 > edge and 0.0 < person.s - van.s - van.length / 2.0 < 1.5, seed

            def gap(
                speed: float,
                place: float,
                value: float = step.value,
                far: float = far,
                walking: float = step.lateral_speed,
            ) -> float:
                """m from the ego's front to the person when that is ``place`` m from the middle of the lane."""
                return value - speed * (far - place) / walking

            for speed in (2.0, 3.0, 4.0, 5.0):
                seen = gap(speed, edge + person.width / 2.0 - PEEP)
                assert seen > 0.5 * speed + speed**2 / 12.0, (seed, speed)
            limit = scenario.speed_limit
            assert gap(limit, IN_LANE) < limit**2 / 18.0, seed
    assert met > 100


@pytest.mark.parametrize("family", ["lead_hard_brake", "cut_in", "blocked_junction"])
def test_who_crosses_behind_the_car_ahead_walks_in_plain_view_for_long_enough(family: str) -> None:
    met = 0
    for seed in SEEDS:
        scenario = build(family, seed)
        for actor in scenario.actors:
            if actor.model is not Model.PEDESTRIAN:
                continue
            met += 1
            before = actor.lateral
            for phase in actor.phases[:-1]:
                assert phase.when is When.EGO_GAP and phase.lateral is not None
                before = phase.lateral
            last = actor.phases[-1]
            walks = (abs(before) - IN_LANE) / last.lateral_speed  # s in the open until in the ego's way
            assert last.when is When.EGO_ARRIVAL and walks > 0.5 + scenario.speed_limit / 12.0, seed
            assert 0.1 <= last.value - walks <= 0.6 and last.lateral is not None and last.lateral * before < 0.0, seed
            assert scenario.start + 60.0 < actor.s < scenario.goal - 5.0, seed
    assert met > 100


def test_who_keeps_to_the_middle_is_in_the_invaders_way_and_the_lane_has_room_beside_it() -> None:
    for seed in SEEDS:
        scenario = build("oncoming_invades", seed)
        invader, width = scenario.actors[0], scenario.roads.lane_width  # type: ignore[union-attr]
        if not scenario.threat:
            assert invader.phases == ()
            continue
        over = invader.phases[0].lateral
        assert over is not None and invader.phases[1].lateral == 0.0
        side = width - over - invader.width / 2.0  # m left of the middle of the ego's lane
        assert side < HALF_WIDTH - 0.05, seed
        assert side - (HALF_WIDTH - (width / 2.0 - HALF_WIDTH)) >= 0.39, seed


def test_who_only_follows_the_slow_cyclist_comes_too_late() -> None:
    for seed in SEEDS:
        scenario = build("slow_cyclist", seed)
        cyclist = scenario.actors[0]
        assert cyclist.model is Model.CYCLIST
        late = (scenario.goal - cyclist.s) / cyclist.speed > scenario.time_limit
        assert late or not scenario.threat, seed


def test_a_driver_who_minds_nobody_needs_what_kinematics_says() -> None:
    assert arrival(50.0, 10.0, 10.0) == pytest.approx(5.0)
    assert arrival(24.0, 10.0, 20.0) == pytest.approx(2.0, rel=1e-3)  # 10 t + t^2
    assert arrival(48.0, 10.0, 20.0, 10.0) == pytest.approx(4.0, rel=1e-3)  # and down again
    assert arrival(24.0, 10.0, 10.0) == pytest.approx(2.4)


@pytest.mark.parametrize(
    ("turn", "way", "into", "other"),
    [
        ("ahead", "left", CORNER, CORNER + 3.5),
        ("ahead", "right", CORNER + 3.5, CORNER),
    ],
)
def test_ways_across_a_junction_meet_where_its_lanes_cross(turn: str, way: str, into: float, other: float) -> None:
    assert meeting(turn, way, 3.5, 40.0, 10.0, 10.0) == pytest.approx((4.0 + into / 10.0, other))


@pytest.mark.parametrize(("turn", "near"), [("left", 2.0), ("right", 5.0)])
def test_ways_of_who_turns_meet_on_the_road(simulator: MetaDrive, turn: str, near: float) -> None:
    """Both drive on, each on its own path of the map: at that moment their centres are ``near`` m apart at most."""
    scenario = build(f"intersection_{turn}", 3_000_001)
    way = "ahead" if turn == "left" else "left"
    episode = simulator.reset(scenario)
    assert isinstance(episode, ScriptedEpisode)
    entrance = next(s for s in np.arange(scenario.start, scenario.goal, 0.5) if _yaw_rate(episode.navigation, s) > 0.02)
    width = scenario.roads.lane_width  # type: ignore[union-attr]
    bend = math.sqrt(3.0 * (CORNER if turn == "right" else CORNER + width))
    seconds, way_in = meeting(turn, way, width, 40.0, bend, bend)
    ours = episode.navigation.path.at(float(entrance) + seconds * bend - 40.0)
    distances = []
    for actor, path in zip(scenario.actors, episode.road_users.paths, strict=True):
        if actor.braking == 2.5:  # who has priority
            theirs = path.at(140.0 + way_in)
            distances.append(math.dist(ours[:2], theirs[:2]))
    assert min(distances) < near


def _yaw_rate(navigation: Navigation, s: float) -> float:
    """rad/m of the reference path at ``s``, where the road before the junction is straight."""
    path = navigation.path
    return abs(path.at(s + 1.0)[2] - path.at(s)[2])
