"""What the person in charge is told: who drives, why, what is asked of the person, and what would make it go on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.takeover.engagement import ARRIVED, already_engaged, engagement
from takead_ros.takeover.facts import derive_facts
from takead_ros.takeover.inputs import Now
from takead_ros.takeover.memory import ArbiterMemory, Response
from takead_ros.takeover.parameters import ArbiterParameters


class NoticeLevel(IntEnum):
    """How urgent a notice is: all is well; look here; do something now."""

    CALM = 0
    ATTEND = 1
    ACT = 2


class Asked(IntEnum):
    """What a person is asked to do."""

    NOTHING = 0
    ENGAGE = 1
    TAKE_OVER = 2
    GIVE_GOAL = 3


ASKED = {
    Asked.NOTHING: "",
    Asked.ENGAGE: "call the service engage",
    Asked.TAKE_OVER: "take over",
    Asked.GIVE_GOAL: "give a new goal, then call the service engage",
}
WHO = {
    Source.NONE: "nobody",
    Source.POLICY: "the policy",
    Source.EXPERT: "the expert",
    Source.HUMAN: "the person",
    Source.MRM: "the minimum-risk stop",
}
NEXT = {
    M.POLICY: "",
    M.EXPERT: "the policy goes on once nothing is asked for and both agree",
    M.HUMAN: "the automation goes on once wheel and pedals are let go",
    M.HANDBACK: "the policy goes on once the command is its own",
    M.ARRIVING: "the route ends: the vehicle stops there",
}


@dataclass(frozen=True)
class Notice:
    """``why``: the reason of the mode, and of the mode before it where the vehicle stands for it; ``goes_on``: what
    would make the drive go on, or what comes next. Two with the same ``key`` tell a person the same."""

    mode: M
    lateral: Source
    longitudinal: Source
    alarm: NoticeLevel
    asked: Asked
    why: str
    goes_on: str
    key: tuple[M, Source, Source, Asked, str, str]

    @property
    def who(self) -> str:
        """Who drives, in words."""
        return who_drives(self.lateral, self.longitudinal)

    @property
    def asked_text(self) -> str:
        """What is asked, in words; empty where nothing is."""
        return ASKED[self.asked]

    @property
    def line(self) -> str:
        """All of it in one line."""
        parts = [f"{self.mode.name}: {self.who} ({self.why})", self.asked_text.upper(), self.goes_on]
        return " | ".join(part for part in parts if part)


def who_drives(lateral: Source, longitudinal: Source) -> str:
    """Who steers and who has the pedals, in words."""
    if lateral is longitudinal:
        return WHO[lateral]
    return f"{WHO[lateral]} (steering), {WHO[longitudinal]} (pedals)"


def notice(state: ArbiterMemory, command: DriveCommand, now: Now, p: ArbiterParameters) -> Notice:
    """What to tell after the tick that led to ``state`` and ``command``."""
    answer = already_engaged(state) or engagement(state, derive_facts(state, now, p)[1], p)  # engage's, asked now
    mode, asked, alarm, goes_on = state.mode, Asked.NOTHING, NoticeLevel.CALM, NEXT.get(state.mode, "")
    why = f"{state.earlier}, {state.reason}" if mode is M.STOPPED and state.reason != ARRIVED else state.reason
    if mode is M.MRM and {command.lateral, command.longitudinal} == {Source.HUMAN}:  # has taken over already
        alarm, goes_on = NoticeLevel.ATTEND, _engage(answer)
    elif mode is M.MRM:
        asked, alarm, goes_on = Asked.TAKE_OVER, NoticeLevel.ACT, f"or {_engage(answer)}"
    elif mode is M.STOPPED and (state.reason == ARRIVED or answer.code == ARRIVED):
        asked, alarm, goes_on = Asked.GIVE_GOAL, NoticeLevel.ATTEND, ""
    elif mode is M.STOPPED:
        asked, alarm, goes_on = Asked.ENGAGE, NoticeLevel.ACT, _engage(answer)
    elif mode is M.DISENGAGED and p.auto_engage and not state.was_engaged:
        alarm, goes_on = NoticeLevel.ATTEND, f"starts by itself once engage is possible: {_obstacle(answer)}"
    elif mode is M.DISENGAGED and answer.code == ARRIVED:
        asked, alarm = Asked.GIVE_GOAL, NoticeLevel.ATTEND
    elif mode is M.DISENGAGED:
        asked, alarm, goes_on = Asked.ENGAGE, NoticeLevel.ATTEND, _engage(answer)
    key = (mode, command.lateral, command.longitudinal, asked, state.reason, answer.code)
    return Notice(mode, command.lateral, command.longitudinal, alarm, asked, why, goes_on, key)


def _engage(answer: Response) -> str:
    return "engage is possible now" if answer.accepted else f"engage is possible once this is gone: {answer.message}"


def _obstacle(answer: Response) -> str:
    return "in the next tick" if answer.accepted else answer.message
