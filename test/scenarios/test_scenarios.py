"""Scenarios are pure functions of their seeds, and varied."""

from __future__ import annotations

import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.scenarios import FAMILIES, build
from takead_ros.scenarios.spec import Ability, When
from takead_ros.scenarios.suites import load_suite, read_suite, suite_names

pytestmark = pytest.mark.slow

SEEDS = range(200)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_seed_builds_the_same_scenario_again(family: str) -> None:
    for seed in SEEDS:
        scenario = build(family, seed)
        assert scenario == build(family, seed)
        assert scenario.family == family and scenario.seed == seed
        assert isinstance(scenario.ability, Ability)
        assert 60.0 < scenario.goal - scenario.start < 320.0
        assert 0.0 <= scenario.speed <= scenario.speed_limit
        assert 20.0 < scenario.time_limit < 130.0
        assert len(scenario.actors) <= 14
        for actor in scenario.actors:
            assert actor.s >= 0.0 and len(actor.path.lanes) == len(actor.path.nodes) - 1


@pytest.mark.parametrize("family", FAMILIES)
def test_seeds_vary_roads_speeds_and_whether_there_is_a_threat(family: str) -> None:
    scenarios = [build(family, seed) for seed in SEEDS]
    assert len({scenario.roads for scenario in scenarios}) > 190
    assert len({round(scenario.speed, 3) for scenario in scenarios}) > 100
    threats = sum(scenario.threat for scenario in scenarios)
    assert 0.5 * len(scenarios) < threats < len(scenarios)
    assert len({len(scenario.actors) for scenario in scenarios}) > 1


def test_families_differ_for_the_same_seed() -> None:
    assert len({build(family, 5).roads for family in FAMILIES}) == len(FAMILIES)


def test_bad_names_and_seeds_are_refused_by_name() -> None:
    with pytest.raises(TakeadError, match=r"'cut_inn': unknown \(did you mean cut_in.*\), expected one of .*cut_in"):
        build("cut_inn", 0)
    with pytest.raises(TakeadError, match="seed -1"):
        build("cut_in", -1)
    with pytest.raises(TakeadError, match=r"'nonsense': unknown, expected a suite .*demo.*scenario family .*cut_in"):
        load_suite("nonsense")


def test_suites_hold_what_their_names_say(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert {"core", "demo"} <= set(suite_names())
    assert len(load_suite("demo").families) == 6
    assert load_suite("core").families == tuple(FAMILIES)
    assert load_suite("cut_in").families == ("cut_in",)
    episodes = load_suite("demo").episodes([3, 4])
    assert [(scenario.family, scenario.seed) for scenario in episodes[:7:6]] == [
        ("lead_hard_brake", 3),
        ("lead_hard_brake", 4),
    ]
    broken = tmp_path / "x.yaml"
    for content, words in (
        ("families: [a]", "unknown families"),
        ("[", "expected a YAML file"),
        ("a: 1", "families is"),
    ):
        broken.write_text(content)
        with pytest.raises(TakeadError, match=words):
            read_suite(broken)


@pytest.mark.parametrize("family", ["pedestrian_crossing", "cyclist_crossing", "red_light_runner"])
def test_who_comes_in_plain_view_leaves_time_to_react_and_brake(family: str) -> None:
    """0.5 s of reaction and braking with 6 m/s^2 need 0.5 + v / 12 s from where the other one is seen to set off."""
    for seed in SEEDS:
        scenario = build(family, seed)
        for actor in scenario.actors:
            for phase in actor.phases:
                if phase.when is When.EGO_ARRIVAL:
                    assert phase.value > 0.5 + scenario.speed_limit / 12.0, seed


@pytest.mark.parametrize("family", FAMILIES)
def test_one_or_two_seeds_in_ten_have_no_threat(family: str) -> None:
    threats = [build(family, seed).threat for seed in range(600)]
    assert 0.8 <= sum(threats) / len(threats) <= 0.93
