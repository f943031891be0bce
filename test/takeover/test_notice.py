"""What the person in charge is told, in every mode, for every obstacle to engaging, and through a whole drive."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from support.arbiter_loop import Loop, engaged, in_mode
from support.scenery import request
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Source, Trigger
from takead_ros.takeover.inputs import Ask
from takead_ros.takeover.memory import ArbiterMemory
from takead_ros.takeover.notice import ASKED, WHO, Asked, Notice, NoticeLevel, notice

STANDS = (M.MRM, M.STOPPED, M.DISENGAGED)
# Everything that an input may do from here on: a healthy one, none, and messages that make engaging impossible.
INPUTS: dict[str, dict[str, Any]] = {
    "healthy": {},
    "no scene": {"scene": None},
    "no policy": {"policy": None},
    "no expert": {"expert": None},
    "no monitor": {"request": None},
    "nothing": {"scene": None, "policy": None, "expert": None, "request": None},
}


def told(loop: Loop) -> Notice:
    return notice(loop.state, loop.command, loop.now, loop.p)


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("mode", [*M, None], ids=lambda mode: "start" if mode is None else mode.name)
def test_every_mode_says_who_why_what_is_asked_and_what_next(mode: M | None, inputs: str) -> None:
    """None: a start that engages by itself."""
    auto = mode is None
    loop = Loop(auto_engage=True) if mode is None else in_mode(mode)
    for _ in range(40):  # 2 s: whatever the mode becomes by it
        loop.tick(**INPUTS[inputs])
        said, now = told(loop), loop.mode
        assert said.mode is now and said.why and said.who
        assert (said.lateral, said.longitudinal) == (loop.command.lateral, loop.command.longitudinal)
        assert WHO[said.lateral] in said.who and WHO[said.longitudinal] in said.who
        assert (said.alarm is NoticeLevel.CALM) == (now not in STANDS), "never calm over a vehicle that stands or stops"
        assert (said.alarm is NoticeLevel.ACT) == (now is M.MRM or (now is M.STOPPED and said.asked is Asked.ENGAGE))
        if now in STANDS:
            itself = now is M.DISENGAGED and auto and not loop.state.was_engaged
            assert (said.asked is Asked.NOTHING) == itself
            assert said.goes_on or said.asked is Asked.GIVE_GOAL
        else:
            assert said.asked is Asked.NOTHING and bool(said.goes_on) == (now is not M.POLICY)
        assert said.line.startswith(f"{now.name}: {said.who}") and "\n" not in said.line
        assert said.asked is Asked.NOTHING or said.asked_text.upper() in said.line


@pytest.mark.parametrize("inputs", INPUTS)
def test_what_stands_in_the_way_is_what_engage_would_answer(inputs: str) -> None:
    """The word "possible" is a promise: the service, asked in the same situation, accepts exactly then."""
    loop = in_mode(M.DISENGAGED)
    loop.run(10)
    loop.run(10, **INPUTS[inputs])
    said = told(loop)
    loop.inputs = type(loop.inputs)(**{**loop.inputs.__dict__, "ask": Ask.NOTHING})
    loop.tick(ask=Ask.ENGAGE, scene=None, policy=None, expert=None, request=None)
    answer = loop.state.response
    assert answer is not None
    assert (said.goes_on == "engage is possible now") == answer.accepted
    if not answer.accepted:
        assert answer.message in said.goes_on


def test_a_stop_for_a_lost_scene_and_the_way_out_of_it() -> None:
    loop = engaged()
    assert told(loop).line == "POLICY: the policy (engaged)"
    loop.dead(20)
    said = told(loop)
    assert (said.mode, said.asked, said.alarm) == (M.MRM, Asked.TAKE_OVER, NoticeLevel.ACT)
    assert said.line.startswith("MRM: the minimum-risk stop (no_driver:") and "| TAKE OVER |" in said.line
    assert "no fresh scene" in said.goes_on
    loop.speed = 0.0
    while loop.mode is M.MRM:
        loop.tick()
    said = told(loop)
    assert (said.mode, said.asked, said.alarm) == (M.STOPPED, Asked.ENGAGE, NoticeLevel.ACT)
    assert said.why.startswith("no_driver:") and said.why.endswith("standstill")
    assert said.goes_on == "engage is possible now"
    loop.tick(ask=Ask.ENGAGE)
    assert told(loop).asked is Asked.NOTHING


def test_at_the_end_of_the_route_a_goal_is_asked_for() -> None:
    loop = in_mode(M.ARRIVING)
    assert told(loop).alarm is NoticeLevel.CALM
    loop.speed = 0.0
    while loop.mode is M.ARRIVING:
        loop.tick()
    said = told(loop)
    assert (said.mode, said.asked, said.alarm) == (M.STOPPED, Asked.GIVE_GOAL, NoticeLevel.ATTEND)
    assert said.asked_text == "give a new goal, then call the service engage" and said.goes_on == ""
    assert said.key[:5] == (M.STOPPED, said.lateral, said.longitudinal, Asked.GIVE_GOAL, loop.state.reason)


def test_who_is_at_the_end_of_the_route_before_engaging_is_asked_for_a_goal() -> None:
    loop = Loop(speed=0.0)
    loop.goal_m = 0.0
    for _ in range(3):
        loop.tick()
    said = told(loop)
    assert (said.mode, said.asked, said.alarm) == (M.DISENGAGED, Asked.GIVE_GOAL, NoticeLevel.ATTEND)
    assert said.goes_on == "" and "GIVE A NEW GOAL" in said.line
    assert said.key == (M.DISENGAGED, said.lateral, said.longitudinal, Asked.GIVE_GOAL, loop.state.reason, "arrived")


def test_a_start_by_itself_says_what_it_waits_for() -> None:
    loop = Loop(auto_engage=True)
    loop.tick(scene=None)
    said = told(loop)
    assert (said.mode, said.asked, said.alarm) == (M.DISENGAGED, Asked.NOTHING, NoticeLevel.ATTEND)
    assert said.goes_on == "starts by itself once engage is possible: no fresh scene: stale or missing"
    loop = Loop()
    loop.tick()
    alone = loop.p.model_copy(update={"auto_engage": True})
    said = notice(loop.state, loop.command, loop.now, alone)
    assert said.goes_on == "starts by itself once engage is possible: in the next tick"


def test_a_person_on_one_axis_is_named_with_it() -> None:
    loop = engaged()
    loop.tick(human=loop.hand(acceleration=-1.0))
    loop.tick()
    said = told(loop)
    assert said.longitudinal is Source.HUMAN
    if said.lateral is not Source.HUMAN:
        assert said.who == f"{WHO[said.lateral]} (steering), the person (pedals)"


def test_off_road_nobody_is_fit_and_the_person_is_asked_to_take_over() -> None:
    loop = engaged()
    loop.tick(request=request(loop.now.ros, Trigger.OFF_ROAD, 1.0))
    said = told(loop)
    assert (said.mode, said.why, said.asked) == (M.MRM, "off_road", Asked.TAKE_OVER)


def test_a_notice_changes_only_where_a_person_would_care() -> None:
    loop, keys = engaged(), []
    for _ in range(40):
        loop.tick()
        keys.append(told(loop).key)
    assert len(set(keys)) == 1, "no flood in the terminal while nothing changes"


def test_before_the_first_tick_there_is_a_word_as_well() -> None:
    loop = Loop()
    loop.tick(scene=None, policy=None, expert=None, request=None)
    assert loop.state != ArbiterMemory() and told(loop).goes_on.startswith(
        "engage is possible once this is gone: no fresh"
    )


def test_every_word_is_there() -> None:
    assert set(ASKED) == set(Asked) and set(WHO) == set(Source)
    assert len({*itertools.chain(ASKED.values(), WHO.values())}) == len(Asked) + len(WHO)
