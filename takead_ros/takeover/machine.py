"""The transition table, as the rows that run: tried from the top, the first whose mode and condition hold is taken.

A row says all that a transition is: where from, when, where to, the reason that is told, and what becomes of the
takeover that is going on. ``takeover.table`` prints them; ``takead takeover table --write`` puts the print where people
read it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import TakeoverEvent, Trigger
from takead_ros.domain.units import SECOND
from takead_ros.takeover.command import uncut
from takead_ros.takeover.engagement import ARRIVED
from takead_ros.takeover.events import Booking, booked
from takead_ros.takeover.facts import Facts
from takead_ros.takeover.inputs import Ask, Now
from takead_ros.takeover.memory import ENGAGED, ArbiterMemory
from takead_ros.takeover.parameters import ArbiterParameters
from takead_ros.takeover.risks import NOBODY_FIT, STOPPING


class GuardInput(NamedTuple):
    """All that a row may look at. ``accepted``: engage was asked for, or is due by itself, and its conditions hold."""

    state: ArbiterMemory
    facts: Facts
    now: Now
    ask: Ask
    accepted: bool
    p: ArbiterParameters


@dataclass(frozen=True)
class Condition:
    """A condition of the table: its ``words`` there, and whether it ``holds``."""

    words: str
    holds: Callable[[GuardInput], bool]

    def __and__(self, other: Condition) -> Condition:
        return Condition(f"{self.words}, {other.words}", lambda s: self.holds(s) and other.holds(s))

    def __or__(self, other: Condition) -> Condition:
        return Condition(f"({self.words} or {other.words})", lambda s: self.holds(s) or other.holds(s))


@dataclass(frozen=True)
class Reason:
    """Why a mode is entered: its ``words`` in the table, and the code that ``ArbiterState.reason`` and events carry."""

    words: str
    code: Callable[[GuardInput], str]

    @staticmethod
    def fixed(code: str) -> Reason:
        return Reason(code, lambda _: code)


@dataclass(frozen=True)
class Row:
    """One transition; to the mode itself: it stays, whatever the rows below say."""

    origin: frozenset[M]
    when: Condition
    to: M
    reason: Reason
    booking: Booking


def _mode_s(s: GuardInput) -> float:
    """Seconds in the present mode, by the steady clock."""
    entered = s.state.entered
    return (s.now.steady - entered.steady) / SECOND if entered is not None else 0.0


def _apart(s: GuardInput) -> bool:
    policy, expert = s.facts.policy, s.facts.expert
    if policy is None or expert is None:
        return False
    return abs(policy.steering_angle - expert.steering_angle) > s.p.rollback_steering_rad


def _converged(s: GuardInput) -> bool:
    """Whether the last command has come to what the policy asks for, as far as the limits allow that at all."""
    policy, last = s.facts.policy, s.state.last
    if policy is None or last is None:
        return False
    steering, acceleration = uncut(policy.steering_angle, policy.acceleration, s.state, s.p)
    return (
        abs(last[0] - steering) <= s.p.converged_steering_rad
        and abs(last[1] - acceleration) <= s.p.converged_acceleration_mps2
    )


def _left(s: GuardInput) -> bool:
    facts = s.facts
    return facts.human and not (facts.wheel and facts.pedals) and facts.automation() is None


def _asks_for(s: GuardInput, triggers: frozenset[Trigger]) -> bool:
    return s.facts.request is not None and s.facts.request.trigger in triggers


def _trigger(s: GuardInput) -> str:
    return s.facts.request.trigger.name.lower() if s.facts.request is not None else ""


def _nobody(s: GuardInput) -> str:
    return f"no_driver:policy_{s.facts.policy_fault or 'unsafe'},expert_{s.facts.expert_fault}"


ANY = frozenset(M)
IDLE = ANY - ENGAGED  # the automation drives only after an accepted engage
AUTOMATIC = ENGAGED - {M.HUMAN}

disengage = Condition("disengage is asked for", lambda s: s.ask is Ask.DISENGAGE)
accepted = Condition("engage is accepted", lambda s: s.accepted)
with_policy = Condition("with policy", lambda s: "policy" in s.p.drivers)
no_policy = Condition("no policy", lambda s: "policy" not in s.p.drivers)
no_scene = Condition("the scene is lost", lambda s: s.state.motion is not None and not s.facts.scene)
stood = Condition("stood for standstill_s", lambda s: s.facts.still)
moves = Condition("it moves", lambda s: s.state.still_since is None)
hands_off = Condition("no human drives", lambda s: not s.facts.human)
hands_on = Condition("a human holds an axis", lambda s: s.facts.human)
left_alone = Condition("nobody fit for the axis left free", _left)
lost = Condition("heartbeat lost", lambda s: s.facts.human_lost)
policy_fit = Condition("policy fit", lambda s: s.facts.policy is not None)
policy_unfit = Condition("policy unfit", lambda s: s.facts.policy is None)
expert_fit = Condition("expert fit", lambda s: s.facts.expert is not None)
expert_unfit = Condition("expert unfit", lambda s: s.facts.expert is None)
request = Condition("request", lambda s: s.facts.request is not None)
no_request = Condition("no request", lambda s: s.facts.request is None)
stopping = Condition("request of a stopping trigger", lambda s: _asks_for(s, STOPPING))
off_road = Condition("off the road", lambda s: _asks_for(s, NOBODY_FIT))
arrived = Condition("the route ends", lambda s: s.facts.arrived)
unheld = Condition("no human holds both axes", lambda s: not s.facts.driven_by_hand)
overdue = Condition("manoeuvre_limit_s over", lambda s: _mode_s(s) > s.p.manoeuvre_limit_s)
held = Condition("held expert_hold_s", lambda s: _mode_s(s) >= s.p.expert_hold_s)
agree = Condition("both agree", lambda s: s.facts.agreed)
late = Condition("handback_timeout_s over", lambda s: _mode_s(s) > s.p.handback_timeout_s)
apart = Condition("both disagree", _apart)
converged = Condition("the command reached the policy's", _converged)
otherwise = Condition("otherwise", lambda _: True)

engaged, released, human_lost = Reason.fixed("engaged"), Reason.fixed("released"), Reason.fixed("human_lost")
at_goal = Reason.fixed(ARRIVED)
expert_lost, stays = Reason.fixed("expert_lost"), Reason.fixed("")
nobody = Reason("no_driver:WHY", _nobody)
unfit = Reason("policy_FAULT", lambda s: f"policy_{s.facts.policy_fault}")
asked = Reason("TRIGGER", _trigger)


def rollback(why: Reason) -> Reason:
    return Reason(f"rollback:{why.words}", lambda s: f"rollback:{why.code(s)}")


def in_modes(*modes: M) -> frozenset[M]:
    return frozenset(modes)


ROWS = (
    Row(ANY, disengage, M.DISENGAGED, Reason.fixed("disengaged"), Booking.END),
    Row(IDLE, accepted & hands_on, M.HUMAN, engaged, Booking.END),
    Row(IDLE, accepted & with_policy, M.POLICY, engaged, Booking.END),
    Row(IDLE, accepted & no_policy, M.EXPERT, engaged, Booking.END),
    Row(in_modes(M.DISENGAGED), no_scene & hands_off, M.MRM, Reason.fixed("scene_lost"), Booking.START),
    Row(in_modes(M.MRM), stood, M.STOPPED, Reason.fixed("standstill"), Booking.END),
    Row(in_modes(M.ARRIVING), stood, M.STOPPED, at_goal, Booking.NOTHING),
    Row(in_modes(M.MRM, M.ARRIVING), overdue, M.DISENGAGED, Reason.fixed("manoeuvre_timeout"), Booking.END),
    Row(in_modes(M.STOPPED), moves & hands_off, M.MRM, Reason.fixed("rolling"), Booking.START),
    Row(ENGAGED, left_alone, M.MRM, nobody, Booking.START),
    Row(ENGAGED, off_road & unheld, M.MRM, Reason.fixed("off_road"), Booking.START),
    Row(ENGAGED, arrived & unheld, M.ARRIVING, at_goal, Booking.ARRIVAL),
    Row(AUTOMATIC, hands_on, M.HUMAN, Reason.fixed("human_input"), Booking.START),
    Row(in_modes(M.HUMAN), hands_on, M.HUMAN, stays, Booking.NOTHING),
    Row(in_modes(M.HUMAN), lost & expert_fit & no_policy, M.EXPERT, human_lost, Booking.END),
    Row(in_modes(M.HUMAN), lost & expert_fit, M.EXPERT, human_lost, Booking.START),
    Row(in_modes(M.HUMAN), expert_fit & no_policy, M.EXPERT, released, Booking.END),
    Row(in_modes(M.HUMAN), expert_fit & (policy_unfit | request), M.EXPERT, released, Booking.START),
    Row(in_modes(M.HUMAN), policy_fit & lost, M.HANDBACK, human_lost, Booking.HANDBACK),
    Row(in_modes(M.HUMAN), policy_fit, M.HANDBACK, released, Booking.HANDBACK),
    Row(in_modes(M.HUMAN), otherwise, M.MRM, nobody, Booking.START),
    Row(in_modes(M.EXPERT), expert_unfit & policy_fit & no_request, M.HANDBACK, expert_lost, Booking.HANDBACK),
    Row(in_modes(M.EXPERT), expert_unfit, M.MRM, nobody, Booking.START),
    Row(in_modes(M.EXPERT), held & no_request & agree, M.HANDBACK, Reason.fixed("agreed"), Booking.HANDBACK),
    Row(in_modes(M.POLICY), policy_unfit & expert_fit, M.EXPERT, unfit, Booking.START),
    Row(in_modes(M.POLICY), request & expert_fit, M.EXPERT, asked, Booking.START),
    Row(in_modes(M.POLICY), policy_unfit, M.MRM, nobody, Booking.START),
    Row(in_modes(M.POLICY), stopping, M.MRM, nobody, Booking.START),
    Row(in_modes(M.HANDBACK), policy_unfit & expert_fit, M.EXPERT, rollback(unfit), Booking.RESUME),
    Row(in_modes(M.HANDBACK), request & expert_fit, M.EXPERT, rollback(asked), Booking.RESUME),
    Row(in_modes(M.HANDBACK), late & expert_fit, M.EXPERT, rollback(Reason.fixed("timeout")), Booking.RESUME),
    Row(in_modes(M.HANDBACK), apart, M.EXPERT, rollback(Reason.fixed("disagreement")), Booking.RESUME),
    Row(in_modes(M.HANDBACK), policy_unfit, M.MRM, nobody, Booking.START),
    Row(in_modes(M.HANDBACK), stopping, M.MRM, nobody, Booking.START),
    Row(in_modes(M.HANDBACK), late, M.MRM, nobody, Booking.START),
    Row(in_modes(M.HANDBACK), converged, M.POLICY, Reason.fixed("converged"), Booking.END),
)


def first_hit(s: GuardInput) -> Row | None:
    """The row of the table that is taken now; None: no row holds."""
    for row in ROWS:
        if s.state.mode in row.origin and row.when.holds(s):
            return row
    return None


def transition(s: GuardInput) -> tuple[ArbiterMemory, list[TakeoverEvent]]:
    """The state after this tick's row, and the events of a change of driver."""
    row = first_hit(s)
    if row is None or row.to is s.state.mode:
        return s.state, []
    state = s.state._replace(mode=row.to, reason=row.reason.code(s), earlier=s.state.reason, entered=s.now)
    return booked(state, s.facts, s.state.mode, row.booking, s.now)
