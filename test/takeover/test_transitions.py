"""Rows of the transition table that an ask or a human moves: condition, state, reason, events, at the edges."""

from __future__ import annotations

import math

import pytest

from support.arbiter_loop import Loop, engaged, in_mode, told
from support.scenery import TICK
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Source, Trigger
from takead_ros.domain.units import SECOND
from takead_ros.takeover.inputs import Ask


@pytest.mark.parametrize("mode", list(M), ids=lambda mode: mode.name)
def test_disengage_from_any_state(mode: M) -> None:
    loop = in_mode(mode)
    taken = loop.state.takeover
    loop.tick(ask=Ask.DISENGAGE)
    assert loop.mode is M.DISENGAGED
    assert loop.state.reason == ("disengaged" if mode is not M.DISENGAGED else loop.state.reason)
    answer = loop.state.response
    assert answer is not None and answer.accepted and answer.code == "ok" and "brakes" in answer.message
    ended = [("END", taken.number, taken.who.name, taken.trigger.name)] if taken else []
    assert told(loop) == ended and loop.state.takeover is None
    loop.tick()
    assert loop.state.response is None and loop.events == []


@pytest.mark.parametrize("mode", [M.DISENGAGED, M.MRM, M.STOPPED], ids=lambda mode: mode.name)
@pytest.mark.parametrize("hands", [False, True], ids=["hands_off", "hands_on"])
def test_engage(mode: M, hands: bool) -> None:
    loop = in_mode(mode)
    loop.speed = 0.0 if mode is M.STOPPED else loop.speed
    loop.run(2)
    taken = loop.state.takeover
    loop.tick(ask=Ask.ENGAGE, **({"human": loop.hand(0.01)} if hands else {}))
    assert loop.mode is (M.HUMAN if hands else M.POLICY) and loop.state.reason == "engaged"
    assert loop.state.response is not None and loop.state.response.code == "ok"
    assert told(loop) == ([("END", 1, "MRM", "POLICY_UNHEALTHY")] if mode is M.MRM else [])
    assert (taken is not None) == (mode is M.MRM) and loop.state.takeover is None
    assert loop.state.was_engaged and loop.state.entered == loop.now


def test_engaged_by_the_expert_alone() -> None:
    loop = Loop(drivers=("expert",))
    loop.tick(policy=None)
    loop.tick(policy=None, ask=Ask.ENGAGE)
    assert loop.mode is M.EXPERT and loop.events == [] and loop.command.lateral is Source.EXPERT
    loop.run(100, policy=None)
    assert loop.mode is M.EXPERT and loop.command.longitudinal is Source.EXPERT


def test_expert_alone_takes_over_from_a_human_without_a_takeover_of_its_own() -> None:
    loop = Loop(drivers=("expert", "human"))
    loop.tick(policy=None)
    loop.tick(policy=None, ask=Ask.ENGAGE)
    loop.tick(policy=None, human=loop.hand(0.1))
    assert told(loop) == [("START", 1, "HUMAN", "HUMAN_OVERRIDE")]
    while loop.mode is M.HUMAN:
        loop.tick(policy=None, human=loop.hand())
    assert loop.mode is M.EXPERT and told(loop) == [("END", 1, "HUMAN", "HUMAN_OVERRIDE")]


def test_auto_engage_in_the_first_tick_with_everything_there() -> None:
    loop = Loop(auto_engage=True)
    loop.tick()
    assert loop.mode is M.POLICY and loop.command.acceleration == 0.0 and loop.state.response is None


def test_auto_engage_happens_once() -> None:
    loop = Loop(auto_engage=True)
    loop.tick()
    loop.tick(ask=Ask.DISENGAGE)
    loop.run(10)
    assert loop.mode is M.DISENGAGED


def test_auto_engage_never_leaves_the_manoeuvre() -> None:
    loop = Loop(auto_engage=True)
    loop.tick()
    loop.dead(10)
    assert loop.mode is M.MRM
    loop.run(20)
    assert loop.mode in (M.MRM, M.STOPPED)


def test_auto_engage_lets_a_moving_vehicle_roll_for_the_grace_only() -> None:
    loop = Loop(auto_engage=True, engage_grace_s=0.2)
    rolled = [loop.tick(policy=None).acceleration for _ in range(8)]
    assert rolled[:5] == [0.0] * 5 and rolled[5] < 0.0 and rolled[-1] == -3.0
    loop.tick()
    assert loop.mode is M.POLICY


def test_disengaged_loses_the_scene() -> None:
    loop = in_mode(M.DISENGAGED)
    loop.run(5, scene=None)
    assert loop.mode is M.MRM and loop.state.reason == "scene_lost"
    assert told(loop) == [("START", 1, "MRM", "POLICY_UNHEALTHY")]


def test_disengaged_without_any_scene_stays_and_holds_the_brake() -> None:
    loop = Loop()
    loop.dead(30)
    assert loop.mode is M.DISENGAGED and loop.state.reason == "start"
    assert loop.command.acceleration == -loop.p.hold_deceleration_mps2
    assert (loop.command.lateral, loop.command.longitudinal) == (Source.NONE, Source.NONE)


def test_disengaged_with_a_human_ignores_the_lost_scene() -> None:
    loop = in_mode(M.DISENGAGED)
    for _ in range(10):
        loop.tick(scene=None, human=loop.hand(0.1, 0.5))
    assert loop.mode is M.DISENGAGED and loop.command.lateral is Source.HUMAN


def test_mrm_stops_after_standing_long_enough() -> None:
    loop = in_mode(M.MRM)
    stood = None
    while loop.mode is M.MRM:
        loop.dead(1)
        if loop.state.still_since is not None and stood is None:
            stood = loop.now.steady
    assert stood is not None and loop.now.steady - stood == SECOND // 2
    assert loop.mode is M.STOPPED and loop.state.reason == "standstill"
    assert told(loop) == [("END", 1, "MRM", "POLICY_UNHEALTHY")]


@pytest.mark.parametrize(("speed", "stops"), [(0.1, False), (0.099, True)])
def test_a_stop_is_slower_than_the_limit(speed: float, stops: bool) -> None:
    loop = in_mode(M.MRM)
    loop.speed = speed
    loop.run(15, policy=None, expert=None)
    assert (loop.mode is M.STOPPED) == stops


def test_a_stop_is_a_stop_whoever_holds_the_wheel() -> None:
    loop = in_mode(M.MRM)
    loop.speed = 0.0
    for _ in range(20):
        loop.tick(human=loop.hand(0.1))
    assert loop.mode is M.STOPPED and loop.command.lateral is Source.HUMAN
    assert loop.command.longitudinal is Source.MRM


def test_a_manoeuvre_that_a_human_drives_on_ends_in_time() -> None:
    loop = in_mode(M.MRM, manoeuvre_limit_s=20.0)
    began = loop.now.steady
    while loop.mode is M.MRM:
        loop.tick(human=loop.hand(None, 0.5))
    assert 20 * SECOND < loop.now.steady - began <= 20 * SECOND + 2 * TICK
    assert loop.mode is M.DISENGAGED and loop.state.reason == "manoeuvre_timeout"
    assert told(loop) == [("END", 1, "MRM", "POLICY_UNHEALTHY")] and loop.command.longitudinal is Source.HUMAN
    loop.run(20)
    assert loop.mode is M.DISENGAGED and loop.command.acceleration < 0.0  # he let go: it brakes


def test_stopped_vehicle_that_rolls() -> None:
    loop = in_mode(M.STOPPED)
    loop.speed = 0.5
    loop.tick()
    assert loop.mode is M.MRM and loop.state.reason == "rolling"
    assert told(loop) == [("START", 2, "MRM", "POLICY_UNHEALTHY")]


def test_stopped_vehicle_that_a_human_drives_on() -> None:
    loop = in_mode(M.STOPPED)
    for _ in range(20):
        loop.speed = 1.0
        loop.tick(human=loop.hand(None, 1.0))
        assert loop.mode is M.STOPPED and loop.command.longitudinal is Source.HUMAN
    loop.run(12)
    assert loop.mode is M.MRM


@pytest.mark.parametrize("mode", [M.POLICY, M.EXPERT, M.HANDBACK], ids=lambda mode: mode.name)
def test_a_touch_takes_over(mode: M) -> None:
    loop = in_mode(mode)
    taken = loop.state.takeover
    loop.tick(human=loop.hand(None, -2.0))
    assert loop.mode is M.HUMAN and loop.state.reason == "human_input"
    ended = [("END", taken.number, taken.who.name, taken.trigger.name)] if taken else []
    number = taken.number + 1 if taken else 1
    assert told(loop) == [*ended, ("START", number, "HUMAN", "HUMAN_OVERRIDE")]
    assert loop.events[-1].severity == 1.0 and loop.events[-1].time_to_event is None
    assert loop.events[-1].stamp == loop.now.ros and loop.events[-1].why == "human_input"


def test_braking_keeps_the_automations_steering() -> None:
    loop = engaged()
    loop.tick(policy=loop.out(steering=0.02), human=loop.hand(None, -2.0))
    assert loop.command.lateral is Source.POLICY and loop.command.longitudinal is Source.HUMAN
    assert loop.command.steering_angle == pytest.approx(0.02)
    loop.tick(human=loop.hand(None, -2.0), request=loop.ask())
    assert loop.mode is M.HUMAN and loop.command.lateral is Source.EXPERT


@pytest.mark.parametrize(("angle", "both"), [(0.25, False), (0.2501, True), (-0.2501, True)])
def test_steering_hard_takes_both_axes(angle: float, both: bool) -> None:
    loop = engaged()
    loop.tick(human=loop.hand(angle))
    assert loop.command.lateral is Source.HUMAN
    assert loop.command.longitudinal is (Source.HUMAN if both else Source.POLICY)
    if both:
        assert loop.command.acceleration == pytest.approx(-loop.p.human_coast_mps2)


def test_steering_hard_is_judged_against_who_drives() -> None:
    loop = engaged()
    for _ in range(3):
        loop.tick(policy=loop.out(steering=0.1), expert=loop.out("expert", steering=-0.1), request=loop.ask())
    assert loop.mode is M.EXPERT
    loop.tick(policy=loop.out(steering=0.1), expert=loop.out("expert", steering=-0.1), human=loop.hand(0.2))
    assert loop.command.longitudinal is Source.HUMAN  # 0.3 from the expert


def test_hard_steering_is_judged_against_the_policy_while_it_drives() -> None:
    loop = engaged()
    loop.tick(expert=loop.out("expert", steering=0.3), human=loop.hand(0.3))
    assert loop.command.longitudinal is Source.HUMAN  # far from the policy's 0, though the expert would do the same


def test_a_touch_is_judged_once_when_it_is_made() -> None:
    loop = engaged()
    loop.tick(human=loop.hand(0.2))
    loop.tick(policy=loop.out(steering=-0.2))
    assert loop.command.lateral is Source.HUMAN and loop.command.longitudinal is Source.POLICY


def test_a_broken_word_of_a_human_is_no_touch() -> None:
    loop = in_mode(M.HUMAN)
    touched = loop.state.wheel
    loop.tick(human=loop.hand(math.nan, -1.0))
    assert loop.state.wheel is touched and loop.state.screened.human.accepted is None
    assert loop.mode is M.EXPERT and loop.state.reason == "human_lost"


def test_a_joystick_lost_after_the_release_is_a_release() -> None:
    """He had let go, and the last heartbeat that says so ends with the hold: nobody was lost at the wheel."""
    loop = engaged()
    loop.tick(human=loop.hand(0.05, -1.0))
    for _ in range(6):
        loop.tick(human=loop.hand())
    loop.run(4)
    assert loop.mode is M.HUMAN
    loop.tick()
    assert loop.mode is M.HANDBACK and loop.state.reason == "released"


def test_a_human_keeps_an_axis_for_the_hold_and_no_longer() -> None:
    loop = engaged()
    loop.tick(human=loop.hand(None, -2.0))
    touched = loop.now.steady
    while loop.command.longitudinal is Source.HUMAN:
        loop.tick(human=loop.hand())
        if loop.command.longitudinal is Source.HUMAN:
            assert loop.command.acceleration >= -2.0
    assert loop.now.steady - touched == SECOND // 2 + TICK
    assert loop.mode is M.HANDBACK and loop.state.reason == "released"
    assert told(loop) == [("HANDBACK", 1, "HUMAN", "HUMAN_OVERRIDE")]


def test_a_released_pedal_coasts_and_a_released_stick_holds_its_angle() -> None:
    loop = engaged()
    for _ in range(8):
        loop.tick(human=loop.hand(0.1, 2.0))
    for _ in range(5):
        loop.tick(human=loop.hand())
    assert loop.command.steering_angle == pytest.approx(0.1)
    assert loop.command.acceleration == pytest.approx(-loop.p.human_coast_mps2)


def test_released_with_a_request_or_a_sick_policy_goes_to_the_expert() -> None:
    loop = engaged()
    loop.tick(human=loop.hand(0.1))
    while loop.mode is M.HUMAN:
        loop.tick(human=loop.hand(), request=loop.ask(Trigger.STUCK))
    assert loop.mode is M.EXPERT and loop.state.reason == "released"
    assert told(loop) == [("END", 1, "HUMAN", "HUMAN_OVERRIDE"), ("START", 2, "EXPERT", "HUMAN_OVERRIDE")]
    loop = engaged()
    loop.tick(human=loop.hand(0.1))
    while loop.mode is M.HUMAN:
        loop.tick(human=loop.hand(), policy=None)
    assert loop.mode is M.EXPERT


def test_released_with_nobody_fit() -> None:
    loop = engaged()
    loop.tick(human=loop.hand(0.1, 0.1))
    while loop.mode is M.HUMAN:
        loop.tick(human=loop.hand(), policy=None, expert=None)
    assert loop.mode is M.MRM and loop.state.reason == "no_driver:policy_stale,expert_stale"
    assert told(loop) == [("END", 1, "HUMAN", "HUMAN_OVERRIDE"), ("START", 2, "MRM", "POLICY_UNHEALTHY")]


def test_an_axis_left_without_a_fit_driver_stops_the_vehicle_under_the_humans_hand() -> None:
    loop = engaged()
    for _ in range(10):
        loop.tick(human=loop.hand(None, -1.0), policy=None, expert=None)
    assert loop.mode is M.MRM and loop.command.longitudinal is Source.HUMAN and loop.command.lateral is Source.MRM
    loop = engaged()
    for _ in range(10):
        loop.tick(human=loop.hand(0.1, -1.0), policy=None, expert=None)
    assert loop.mode is M.HUMAN


def test_a_lost_joystick_hands_to_the_expert_within_its_limit() -> None:
    loop = engaged()
    loop.run(3)
    loop.tick(human=loop.hand(0.2))
    lost = loop.now.steady
    while loop.mode is M.HUMAN:
        before = loop.command.steering_angle
        loop.tick()
    assert loop.now.steady - lost == SECOND // 5 + TICK
    assert loop.mode is M.EXPERT and loop.state.reason == "human_lost"
    assert told(loop)[-1] == ("START", 2, "EXPERT", "HUMAN_OVERRIDE")
    assert abs(loop.command.steering_angle - before) <= loop.p.max_steering_rate_radps * 0.05 + 1e-9


def test_a_lost_joystick_without_an_expert_hands_to_the_policy() -> None:
    loop = engaged()
    loop.run(10, expert=None)
    loop.tick(expert=None, human=loop.hand(0.2))
    while loop.mode is M.HUMAN:
        loop.tick(expert=None)
    assert loop.mode is M.HANDBACK and loop.state.reason == "human_lost"
