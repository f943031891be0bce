"""Deployment: routes with events that no demonstration has, and traffic in both directions between them."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest

from takead_ros.domain.scene import ControlKind, LightState
from takead_ros.domain.seeds import SPLIT_SIZE
from takead_ros.maps.roads import Roads
from takead_ros.scenarios import FAMILIES, build
from takead_ros.scenarios.families import HELD_OUT
from takead_ros.scenarios.spec import Scenario, When
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators import Episode, open_simulator

pytestmark = pytest.mark.slow

DEPLOY = ("deploy_town", "deploy_outskirts", "deploy_avenue")
SEEDS = range(2 * SPLIT_SIZE, 2 * SPLIT_SIZE + 20)
# sha256 of what routes of `long` were before `deploy` came to share their code
LONG = "e33af63b42803ccbf77db07e5ab76bc955bbc30ebc323b677267436257a1f1a2"


def _events(scenario: Scenario) -> list[str]:
    return [family for _, family in scenario.events if family != "open_street"]


def _places(episode: Episode) -> dict[int, tuple[float, float]]:
    objects = episode.outcome().objects[-1]
    return {int(i): (float(x), float(y)) for i, x, y in zip(objects.id, objects.x, objects.y, strict=True)}


def test_long_routes_are_what_they_were() -> None:
    digest = hashlib.sha256()
    new = {"events"}
    for family in ("long_street", "long_town"):
        for split in range(4):
            for seed in range(6):
                scenario = build(family, split * SPLIT_SIZE + seed)
                old = [(each.name, getattr(scenario, each.name)) for each in fields(scenario) if each.name not in new]
                digest.update(repr(old).replace(", light_index=None", "").encode())
    assert digest.hexdigest() == LONG


def test_known_and_held_out_are_the_short_families() -> None:
    known = load_suite("known").families
    assert len(known) == 22 and len(HELD_OUT) == 8
    assert {*known, *HELD_OUT} == set(FAMILIES) and not set(known) & set(HELD_OUT)
    assert load_suite("deploy").families == DEPLOY


@pytest.mark.parametrize("family", DEPLOY)
def test_a_seed_gives_one_route_with_events_and_traffic(family: str) -> None:
    scenarios = [build(family, seed) for seed in SEEDS]
    assert len({scenario.roads for scenario in scenarios}) == len(scenarios)
    for seed, scenario in zip(SEEDS, scenarios, strict=True):
        assert scenario == build(family, seed)
        assert 1000.0 < scenario.goal - scenario.start < 4000.0
        assert 6 <= len(_events(scenario)) <= 13
        assert scenario.events[0][0] == 0.0 and scenario.events[-1][1] != "open_street"
        assert all(low < high for (low, _), (high, _) in zip(scenario.events[:-1], scenario.events[1:], strict=True))
        assert isinstance(scenario.roads, Roads) and scenario.roads.lanes == (2 if family == "deploy_avenue" else 1)
        for actor in scenario.actors:
            assert actor.present is not None and actor.present[0] < actor.present[1]
    assert len({len(_events(scenario)) for scenario in scenarios}) >= 3


def test_a_good_third_of_the_events_is_held_out_and_every_family_that_can_be_strung_together_happens() -> None:
    counts = Counter(name for family in DEPLOY for seed in SEEDS for name in _events(build(family, seed)))
    assert sum(counts[name] for name in HELD_OUT) / sum(counts.values()) > 1 / 3
    assert set(HELD_OUT) <= set(counts) and len(counts) == 24
    town = Counter(name for seed in SEEDS for name in _events(build("deploy_town", seed)))
    assert sum(town[name] for name in HELD_OUT) / sum(town.values()) > 1 / 3


def test_splits_have_other_routes() -> None:
    for family in DEPLOY:
        assert len({build(family, split * SPLIT_SIZE + 3).roads for split in range(4)}) == 4


def test_every_light_counts_its_time_from_its_own_piece_and_is_minded_at_its_own_junction() -> None:
    minded = 0
    for seed in SEEDS:
        scenario = build("deploy_town", seed)
        for control in scenario.controls:
            assert all(change.when is not When.TIME for change in control.changes)
        starts = [start for start, _ in scenario.events] + [np.inf]
        for actor in scenario.actors:
            if actor.light is None:
                continue
            assert actor.light_index is not None and actor.present is not None
            control = scenario.controls[actor.light_index]
            assert control.kind is ControlKind.TRAFFIC_LIGHT
            piece = max(i for i, start in enumerate(starts) if start <= actor.present[0] + 100.0)
            assert starts[piece] < control.s < starts[piece + 1]
            minded += 1
    assert minded > 50


def test_cross_traffic_goes_while_the_ego_has_red_at_a_later_junction() -> None:
    """Before, the first light of the route decided for every junction, so that those who cross stood for good."""
    simulator = open_simulator("vector")
    for seed in SEEDS:
        scenario = build("deploy_town", seed)
        lights = [i for i, each in enumerate(scenario.controls) if each.kind is ControlKind.TRAFFIC_LIGHT]
        red = [i for i in lights[1:] if scenario.controls[i].state is LightState.RED]
        crossing = [a for a in scenario.actors if red and a.light_index == red[0] and a.light and not a.light[1]]
        if crossing:
            break
    assert crossing
    line = scenario.controls[red[0]].s
    start = crossing[0].present[0] + 1.0 if crossing[0].present else 0.0
    assert line - start > 30.0
    episode = simulator.reset(replace(scenario, start=start, speed=0.0))
    for _ in range(2):
        episode.step(0.0, 0.5)
    before = _places(episode)
    for _ in range(200):
        episode.step(0.0, -3.0)
    after = _places(episode)
    here = [i for i, actor in enumerate(scenario.actors, 1) if actor in crossing and i in before]
    assert any(i not in after or np.hypot(*np.subtract(before[i], after[i])) > 80.0 for i in here)
