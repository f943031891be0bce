"""Long routes: whole scenarios of other families, one behind the other, on one road that does not cross itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from takead_ros.domain.seeds import SPLIT_SIZE
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan
from takead_ros.maps.roads import Crossing, Curve, Piece, Roads, Straight
from takead_ros.scenarios import FAMILIES, build
from takead_ros.scenarios.crossings import LINE
from takead_ros.scenarios.spec import Ability, Actor, Model, Scenario
from takead_ros.scenarios.strung import BEHIND
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators.metadrive.simulator import MetaDrive

pytestmark = pytest.mark.slow

LONG = ("long_street", "long_town")
SEEDS = range(25)


def _pieces(scenario: Scenario) -> list[type[Piece]]:
    assert isinstance(scenario.roads, Roads)
    return [type(piece) for piece in scenario.roads.pieces]


def _ends(scenario: Scenario) -> list[float]:
    """m along the route at which the pieces end that have actors."""
    return sorted({actor.present[1] - BEHIND for actor in scenario.actors if actor.present})


@pytest.mark.parametrize("family", LONG)
def test_a_seed_gives_one_long_route_with_several_events(family: str) -> None:
    scenarios = [build(family, seed) for seed in SEEDS]
    for seed, scenario in enumerate(scenarios):
        assert scenario == build(family, seed)
        assert (scenario.family, scenario.seed, scenario.ability) == (family, seed, Ability.MIXED)
        assert 900.0 < scenario.goal - scenario.start < 3000.0
        assert len(_ends(scenario)) >= 3
        assert scenario.time_limit > (scenario.goal - scenario.start) / scenario.speed_limit
        for actor in scenario.actors:
            assert actor.present is not None and actor.present[0] < actor.present[1]
            assert len(actor.path.lanes) == len(actor.path.nodes) - 1
    assert len({scenario.roads for scenario in scenarios}) == len(scenarios)
    assert len({round(scenario.goal / 300.0) for scenario in scenarios}) >= 4


def test_town_routes_have_junctions_and_streets_have_none() -> None:
    for seed in SEEDS:
        assert _pieces(build("long_town", seed)).count(Crossing) >= 2
        assert set(_pieces(build("long_street", seed))) <= {Straight, Curve}


def test_the_events_of_other_splits_are_others() -> None:
    assert build("long_town", 3).actors != build("long_town", 3 + SPLIT_SIZE).actors


def test_core_does_not_hold_long_routes() -> None:
    assert load_suite("long").families == LONG
    assert not set(LONG) & set(FAMILIES)


@pytest.mark.parametrize("family", LONG)
def test_places_on_the_built_road_are_where_the_pieces_put_them(simulator: MetaDrive, family: str) -> None:
    """The composed route counts metres without the map; controls, limits and triggers rely on it."""
    for seed in (0, 1, 2):
        scenario = build(family, seed)
        episode = simulator.reset(scenario)
        edges = episode.lane_map.edges(scenario.route)
        for end in _ends(scenario):
            assert min(abs(end - edge.high) for edge in edges) < 0.1
        for control in scenario.controls:
            assert min(abs(control.s + LINE - edge.low) for edge in edges if edge.junction) < 0.1


def test_the_road_does_not_come_near_itself(simulator: MetaDrive) -> None:
    for family, seed in (("long_street", 0), ("long_town", 1), ("long_town", 3)):
        episode = simulator.reset(build(family, seed))
        points = episode.navigation.path.points[::5]
        gap = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
        apart = np.abs(np.subtract.outer(np.arange(len(points)), np.arange(len(points)))) > 40
        assert gap[apart].min() > 15.0


def test_actors_come_before_they_are_seen_go_when_they_are_behind_and_do_it_again(simulator: MetaDrive) -> None:
    scenario = build("long_street", 1)

    def drive() -> tuple[np.ndarray, set[int]]:
        episode = simulator.reset(scenario)
        expert, memory, command = ExpertParameters(), Memory(), (0.0, 0.0)
        seen: set[int] = set()
        for tick in range(900):
            scene = episode.observe()
            if tick % 2 == 0:
                output, memory = plan(scene, memory, expert)
                command = (output.steering_angle, output.acceleration)
            objects = scene.objects
            for row, i in enumerate(int(i) for i in objects.id):
                actor = scenario.actors[i - 1]
                low, high = actor.present or (0.0, 0.0)
                assert low - 1.0 <= episode.navigation.s <= high + 1.0
                if i not in seen and tick > 0 and actor.speed == 0.0 and not actor.cruise:
                    assert np.hypot(objects.x[row] - scene.ego.x, objects.y[row] - scene.ego.y) > 60.0
            seen |= {int(i) for i in objects.id}
            episode.step(*command)
        log = episode.outcome()
        return np.stack([log.x, log.y, log.yaw, log.speed]), seen

    first, seen = drive()
    assert len(seen) >= 8 and first[3].mean() > 4.0
    assert np.array_equal(first, drive()[0])


def test_nobody_is_put_where_someone_stands(simulator: MetaDrive) -> None:
    """The place is taken: the second of two cars that are to appear at the same place stays away."""
    scenario = build("long_street", 0)
    late = Actor(Model.CAR_M, scenario.route, scenario.start + 60.0, present=(scenario.start + 1.0, 500.0))
    episode = simulator.reset(
        replace(scenario, actors=(late, replace(late, s=late.s + 2.0), replace(late, s=late.s + 20.0)))
    )
    for _ in range(40):
        episode.step(0.0, 1.0)
    assert episode.outcome().objects[-1].id.tolist() == [1, 3]
