"""Every row of the transition table that policy, expert and requests move, at the edge of its times and thresholds."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from support.arbiter_loop import engaged, in_mode, told
from support.scenery import TICK
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Source, Trigger
from takead_ros.domain.units import SECOND
from takead_ros.takeover.inputs import Ask


@pytest.mark.parametrize(
    "trigger", [t for t in Trigger if t not in (Trigger.NONE, Trigger.OFF_ROAD)], ids=lambda t: t.name
)
def test_a_request_brings_the_expert(trigger: Trigger) -> None:
    loop = engaged()
    loop.tick(request=loop.ask(trigger))
    assert loop.mode is M.EXPERT and loop.state.reason == trigger.name.lower()
    event = loop.events[0]
    assert told(loop) == [("START", 1, "EXPERT", trigger.name)]
    assert (event.severity, event.time_to_event) == (0.8, 1.0)
    assert loop.command.lateral is Source.EXPERT and loop.command.longitudinal is Source.EXPERT


def test_a_cleared_request_does_nothing() -> None:
    loop = engaged()
    loop.tick(request=loop.ask(Trigger.NONE))
    assert loop.mode is M.POLICY


def test_a_request_counts_for_its_age_only() -> None:
    loop = engaged(expert_hold_s=0.5)
    loop.tick(request=loop.ask(Trigger.STUCK))
    asked = loop.now.steady
    while loop.mode is M.EXPERT:
        loop.tick()
    assert loop.now.steady - asked == SECOND // 2


def test_a_silent_policy_brings_the_expert() -> None:
    loop = engaged()
    lost = loop.now.steady
    while loop.mode is M.POLICY:
        loop.tick(policy=None)
    assert loop.now.steady - lost == 3 * SECOND // 10 + TICK
    assert loop.mode is M.EXPERT and loop.state.reason == "policy_stale"
    assert told(loop) == [("START", 1, "EXPERT", "POLICY_UNHEALTHY")]
    assert loop.events[0].severity == 1.0


def test_policy_and_expert_gone() -> None:
    loop = engaged()
    while loop.mode is M.POLICY:
        loop.tick(policy=None, expert=None)
    assert loop.mode is M.MRM and loop.state.reason == "no_driver:policy_stale,expert_stale"


@pytest.mark.parametrize(
    ("trigger", "mode"),
    [
        (Trigger.COLLISION_PREDICTED, M.MRM),
        (Trigger.TIME_TO_COLLISION, M.MRM),
        (Trigger.BEND_SPEED, M.MRM),
        (Trigger.SPEED_LIMIT, M.POLICY),
        (Trigger.STEERING_DISAGREEMENT, M.POLICY),
    ],
)
def test_a_request_without_an_expert(trigger: Trigger, mode: M) -> None:
    loop = engaged(drivers=("policy",))
    loop.tick(expert=None, request=loop.ask(trigger))
    assert loop.mode is mode
    if mode is M.MRM:
        assert loop.state.reason == "no_driver:policy_unsafe,expert_no_driver"
        assert told(loop) == [("START", 1, "MRM", trigger.name)]


@pytest.mark.parametrize("mode", [M.POLICY, M.EXPERT, M.HANDBACK, M.HUMAN], ids=lambda mode: mode.name)
def test_off_the_road_nobody_drives_on(mode: M) -> None:
    """Not even a fit expert: it plans along roads, too."""
    loop = in_mode(mode)
    taken = loop.state.takeover
    loop.tick(request=loop.ask(Trigger.OFF_ROAD), **({"human": loop.hand(0.1)} if mode is M.HUMAN else {}))
    if mode is M.HUMAN:  # his pedals, too, until he lets them go
        assert loop.mode is M.HUMAN
        while loop.mode is M.HUMAN:
            loop.tick(request=loop.ask(Trigger.OFF_ROAD), human=loop.hand(0.1))
        assert loop.command.lateral is Source.HUMAN
    assert loop.mode is M.MRM and loop.state.reason == "off_road"
    assert told(loop)[-1] == ("START", taken.number + 1 if taken else 1, "MRM", "OFF_ROAD")
    assert loop.command.longitudinal is Source.MRM


@pytest.mark.parametrize("mode", [M.POLICY, M.EXPERT, M.HANDBACK], ids=lambda mode: mode.name)
def test_the_vehicle_stops_at_the_end_of_the_route(mode: M) -> None:
    loop = in_mode(mode)
    taken, who = loop.state.takeover, loop.command.lateral
    loop.goal_m = 60.0
    began: float | None = None
    for _ in range(300):
        request = loop.ask(Trigger.STUCK) if mode is M.EXPERT else True
        loop.tick(request=request)
        if loop.mode is M.ARRIVING and began is None:
            began = loop.goal_m
            ended = [("END", taken.number, taken.who.name, taken.trigger.name)] if taken and mode is M.EXPERT else []
            assert told(loop)[-1] == ("ARRIVAL", 0, who.name, "NONE") and told(loop)[: len(ended)] == ended
            assert loop.events[-1].why == loop.state.reason == "arrived"
        loop.speed = max(loop.speed + loop.command.acceleration * 0.05, 0.0)
    assert began == pytest.approx(25.0, abs=0.51)  # v^2 / 2a
    assert loop.mode is M.STOPPED and loop.state.reason == "arrived" and abs(loop.goal_m) < 1.0
    assert loop.state.takeover is None and loop.command.acceleration < 0.0
    loop.tick(ask=Ask.ENGAGE)
    answer = loop.state.response
    assert answer is not None and (answer.accepted, answer.code) == (False, "arrived")
    assert answer.message == f"the route ends in {loop.goal_m:.1f} m: set a new goal"
    loop.goal_m = 400.0
    loop.tick(ask=Ask.ENGAGE)
    assert loop.mode is M.POLICY


def test_a_human_arrives_as_he_likes() -> None:
    loop = in_mode(M.HUMAN)
    loop.goal_m = 10.0
    loop.tick(human=loop.hand(0.0, 0.5))
    assert loop.mode is M.HUMAN and loop.command.longitudinal is Source.HUMAN
    for _ in range(12):
        loop.tick(human=loop.hand(0.0))
    assert loop.mode is M.ARRIVING and loop.command.lateral is Source.HUMAN  # who only steers is stopped
    assert loop.command.longitudinal is Source.MRM and loop.command.acceleration < 0.0


def test_where_the_host_ends_the_drive_nothing_happens_at_the_goal() -> None:
    loop = engaged(goal_stop=False)
    loop.goal_m = 1.0
    loop.run(40)
    assert loop.mode is M.POLICY and loop.goal_m < 0.0


def test_standing_near_the_goal_is_arriving() -> None:
    loop = engaged()
    loop.speed, loop.goal_m = 0.0, 1.9
    loop.run(30)
    assert loop.mode is M.STOPPED and loop.state.reason == "arrived"
    loop = engaged()
    loop.speed, loop.goal_m = 0.0, 2.1
    loop.run(30)
    assert loop.mode is M.POLICY


def test_the_way_to_the_goal_is_reckoned_without_a_scene() -> None:
    loop = in_mode(M.ARRIVING)
    left = loop.state.goal_m
    loop.dead(2)
    assert loop.mode is M.ARRIVING and loop.state.goal_m == pytest.approx(left - 1.0, abs=0.05)


def test_the_policy_alone_needs_no_expert() -> None:
    loop = engaged(drivers=("policy",))
    loop.run(50, expert=None)
    assert loop.mode is M.POLICY
    loop.tick(expert=None, human=loop.hand(0.2))
    assert loop.mode is M.POLICY  # a human is none of the drivers


def test_a_lost_expert_hands_back_or_stops() -> None:
    loop = in_mode(M.EXPERT)
    while loop.mode is M.EXPERT:
        loop.tick(expert=None)
    assert loop.mode is M.HANDBACK and loop.state.reason == "expert_lost"
    assert told(loop) == [("HANDBACK", 1, "EXPERT", "COLLISION_PREDICTED")]
    loop = in_mode(M.EXPERT)
    while loop.mode is M.EXPERT:
        loop.tick(expert=None, request=loop.ask(Trigger.STUCK))
    assert loop.mode is M.MRM and told(loop)[0] == ("END", 1, "EXPERT", "COLLISION_PREDICTED")


def test_the_expert_keeps_the_wheel_for_its_hold() -> None:
    loop = engaged()
    loop.tick(request=loop.ask())
    began = loop.now.steady
    while loop.mode is M.EXPERT:
        loop.tick()
    assert loop.now.steady - began == 2 * SECOND
    assert loop.mode is M.HANDBACK and loop.state.reason == "agreed"
    assert told(loop) == [("HANDBACK", 1, "EXPERT", "COLLISION_PREDICTED")]


@pytest.mark.parametrize("expert", [True, None])
def test_a_policy_that_nobody_watches_may_not_drive(expert: bool | None) -> None:
    """The monitor dies while the policy drives: the expert within the limit of silence, without one the manoeuvre."""
    loop = engaged()
    for _ in range(6):
        assert loop.mode is M.POLICY
        loop.tick(request=None, expert=expert)
    assert loop.mode is M.POLICY  # 0.3 s: still within the limit
    loop.tick(request=None, expert=expert)
    assert loop.mode is (M.EXPERT if expert else M.MRM)
    if expert:
        assert told(loop) == [("START", 1, "EXPERT", "POLICY_UNHEALTHY")]
        assert loop.state.reason == "policy_unwatched_stale"
    else:
        assert loop.state.reason == "no_driver:policy_unwatched_stale,expert_stale"


def test_a_monitor_that_says_nonsense_is_no_monitor() -> None:
    loop = engaged()
    loop.tick(request=replace(loop.ask(Trigger.NONE), severity=math.nan))
    assert loop.mode is M.EXPERT and loop.state.reason == "policy_unwatched_not_finite"


def test_the_expert_needs_no_monitor() -> None:
    loop = engaged(drivers=("expert",))
    loop.run(40, request=None, policy=None)
    assert loop.mode is M.EXPERT and loop.command.lateral is Source.EXPERT


def test_without_supervision_the_policy_drives_alone() -> None:
    loop = engaged(supervised=False)
    loop.run(40, request=None)
    assert loop.mode is M.POLICY


def test_a_person_who_lets_go_finds_an_expert_where_nobody_watches() -> None:
    loop = in_mode(M.HUMAN)
    loop.run(8, request=None, human=loop.hand(0.05, -1.0))
    while loop.mode is M.HUMAN:
        loop.tick(request=None, human=loop.hand())
    assert loop.mode is M.EXPERT


def test_an_old_request_does_not_keep_the_expert_at_the_wheel() -> None:
    loop = engaged(supervised=False)
    loop.tick(request=loop.ask())
    assert loop.mode is M.EXPERT
    loop.run(60, request=None)
    assert loop.mode is M.POLICY


def test_events_say_why() -> None:
    loop = in_mode(M.EXPERT)
    loop.run(7)
    why = []
    while loop.mode is not M.POLICY:
        loop.tick()
        why += [(event.kind.name, event.why) for event in loop.events]
    assert why == [("HANDBACK", "agreed"), ("END", "converged")]
    loop = in_mode(M.EXPERT)
    loop.tick(human=loop.hand(0.1))
    assert [(event.kind.name, event.why) for event in loop.events] == [("END", "human_input"), ("START", "human_input")]


@pytest.mark.parametrize(("policy", "mode"), [(0.14, M.HANDBACK), (0.1401, M.EXPERT)])
def test_a_disagreement_is_more_than_its_limit(policy: float, mode: M) -> None:
    loop = in_mode(M.HANDBACK)
    loop.tick(policy=loop.out(steering=policy))
    assert loop.mode is mode
