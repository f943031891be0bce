"""Who drives, axis by axis, at every tick: human > expert > policy, and with nobody fit the minimum-risk manoeuvre.

``step`` is the whole arbiter: (state, inputs with their ages, time) -> (state, command, events). No clock, no I/O.

Transitions, tried from the top; the first row whose state and condition hold is taken, at most one a tick.
`takead takeover diagram` draws this table.

    | from       | when                                            | to         | reason           | event          |
    |------------|-------------------------------------------------|------------|------------------|----------------|
    | any        | disengage is asked for                          | DISENGAGED | disengaged       | END            |
    | DISENGAGED | engage is accepted, a human holds an axis       | HUMAN      | engaged          |                |
    | DISENGAGED | engage is accepted                              | POLICY     | engaged          |                |
    | MRM        | engage is accepted, a human holds an axis       | HUMAN      | engaged          | END            |
    | MRM        | engage is accepted                              | POLICY     | engaged          | END            |
    | STOPPED    | engage is accepted, a human holds an axis       | HUMAN      | engaged          |                |
    | STOPPED    | engage is accepted                              | POLICY     | engaged          |                |
    | DISENGAGED | the scene is lost and no human drives           | MRM        | scene_lost       | START          |
    | MRM        | stood for standstill_s and no human drives      | STOPPED    | standstill       | END            |
    | STOPPED    | moves and no human drives                       | MRM        | rolling          | START          |
    | POLICY     | a human touches an axis                         | HUMAN      | human_input      | START          |
    | EXPERT     | a human touches an axis                         | HUMAN      | human_input      | END, START     |
    | HANDBACK   | a human touches an axis                         | HUMAN      | human_input      | END, START     |
    | HUMAN      | an axis he leaves has no fit driver             | MRM        | no_driver        | END, START     |
    | HUMAN      | still holds an axis                             | HUMAN      |                  |                |
    | HUMAN      | heartbeat lost, expert fit                      | EXPERT     | human_lost       | END, START     |
    | HUMAN      | released, expert fit, request or policy unfit   | EXPERT     | released         | END, START     |
    | HUMAN      | released, policy fit                            | HANDBACK   | released         | HANDBACK       |
    | POLICY     | request or policy unfit, expert fit             | EXPERT     | the trigger      | START          |
    | POLICY     | policy unfit, or collision predicted            | MRM        | no_driver        | START          |
    | EXPERT     | expert unfit, policy fit, no request            | HANDBACK   | expert_lost      | HANDBACK       |
    | EXPERT     | expert unfit                                    | MRM        | no_driver        | END, START     |
    | EXPERT     | held expert_hold_s, no request, both agree      | HANDBACK   | agreed           | HANDBACK       |
    | HANDBACK   | request, disagreement or timeout, expert fit    | EXPERT     | rollback         | START (*)      |
    | HANDBACK   | policy unfit, timeout or collision predicted    | MRM        | no_driver        | END, START     |
    | HANDBACK   | the command has reached the policy's            | POLICY     | converged        | END            |

(*) With the same number where it was the expert who handed back; else END, START.
A policy is fit while its output, the scene and the monitor's word are sound and fresh: nobody watches it otherwise.
Where drivers has no policy, EXPERT stands for POLICY in the rows of engage, and nothing is handed back to.
In DISENGAGED, MRM and STOPPED a human's input drives its axis at once, without changing the state: he always wins, and
only an explicit engage lets the automation drive again. The axes nobody drives follow the manoeuvre of
``takeover.mrm``: a DISENGAGED vehicle brakes to a standstill and is held there too.
"""

from __future__ import annotations

from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import DriveCommand, DriverOutput, EventKind, Source, TakeoverEvent, Trigger
from takead_ros.takeover.command import compose, uncut
from takead_ros.takeover.engagement import asked
from takead_ros.takeover.inputs import SECOND, Inputs, Now
from takead_ros.takeover.parameters import ArbiterParameters
from takead_ros.takeover.state import ENGAGED, Facts, State, Takeover, look, observe

COLLISION = frozenset({Trigger.COLLISION_PREDICTED, Trigger.TIME_TO_COLLISION})


def step(
    state: State, inputs: Inputs, now: Now, p: ArbiterParameters
) -> tuple[State, DriveCommand, list[TakeoverEvent]]:
    """One tick: exactly one command, and the events of a change of driver. An ask is answered in ``state.response``."""
    elapsed = (now.steady - state.tick.steady) / SECOND if state.tick is not None else p.period_s
    dt = min(max(elapsed, 0.0), 2.0 * p.period_s)  # a late tick must not allow a leap
    state = observe(state, inputs, now, dt, p)
    state, facts = look(state, now, p)
    state, taken = asked(state, facts, inputs.ask, p)
    mode, reason = taken or decide(state, facts, now, p)
    state, events = _enter(state, facts, mode, reason, now, p)
    command = compose(state, facts, now, dt, p)
    state = state._replace(tick=now, last=(command.steering_angle, command.acceleration))
    return state, command, events


def decide(state: State, facts: Facts, now: Now, p: ArbiterParameters) -> tuple[M, str]:
    """The next state and why, by the rows of the table that need no ask."""
    mode, request = state.mode, facts.request
    if mode not in ENGAGED:
        if mode is M.DISENGAGED and state.motion is not None and not facts.scene and not facts.human:
            return M.MRM, "scene_lost"
        if mode is M.MRM and facts.still and not facts.human:
            return M.STOPPED, "standstill"
        if mode is M.STOPPED and state.still_since is None and not facts.human:
            return M.MRM, "rolling"
        return mode, state.reason
    nobody = f"no_driver:policy_{facts.policy_fault or 'unsafe'},expert_{facts.expert_fault}"
    if facts.human:
        if facts.automation is None and not (facts.wheel and facts.pedals):
            return M.MRM, nobody
        return M.HUMAN, "human_input"
    if mode is M.HUMAN:
        why = "human_lost" if facts.human_lost else "released"
        if facts.expert is not None and (facts.human_lost or facts.automation is facts.expert):
            return M.EXPERT, why
        return (M.HANDBACK, why) if facts.policy is not None else (M.MRM, nobody)
    if mode is M.EXPERT:
        if facts.expert is None:
            return (M.HANDBACK, "expert_lost") if facts.policy is not None and request is None else (M.MRM, nobody)
        held = _since(state, now) >= p.expert_hold_s
        return (M.HANDBACK, "agreed") if held and request is None and facts.agreed else (mode, state.reason)
    return _policy_drives(state, facts, now, p, nobody)


def _policy_drives(state: State, facts: Facts, now: Now, p: ArbiterParameters, nobody: str) -> tuple[M, str]:
    """The rows of POLICY and HANDBACK."""
    back, wrong = state.mode is M.HANDBACK, ""
    late = back and _since(state, now) > p.handback_timeout_s  # whatever is asked for meanwhile
    if facts.policy is None:
        wrong = f"policy_{facts.policy_fault}"
    elif facts.request is not None:
        wrong = facts.request.trigger.name.lower()
    elif late:
        wrong = "timeout"
    elif back and facts.expert is not None:
        apart = abs(facts.policy.steering_angle - facts.expert.steering_angle)
        wrong = "disagreement" if apart > p.rollback_steering_rad else ""
    if wrong and facts.expert is not None:
        return M.EXPERT, f"rollback:{wrong}" if back else wrong
    if facts.policy is None or late or (facts.request is not None and facts.request.trigger in COLLISION):
        return M.MRM, nobody
    return (M.POLICY, "converged") if back and _converged(state, facts.policy, p) else (state.mode, state.reason)


def _converged(state: State, policy: DriverOutput, p: ArbiterParameters) -> bool:
    """Whether the last command has come to what the policy asks for, as far as the limits allow that at all."""
    steering, acceleration = uncut(policy.steering_angle, policy.acceleration, state, p)
    return (
        state.last is not None
        and abs(state.last[0] - steering) <= p.converged_steering_rad
        and abs(state.last[1] - acceleration) <= p.converged_acceleration_mps2
    )


def _since(state: State, now: Now) -> float:
    """Seconds in the present state, by the steady clock."""
    return (now.steady - state.entered.steady) / SECOND if state.entered is not None else 0.0


def _enter(
    state: State, facts: Facts, mode: M, reason: str, now: Now, p: ArbiterParameters
) -> tuple[State, list[TakeoverEvent]]:
    """``state`` in ``mode``, and the events of the change."""
    if mode is state.mode and state.entered is not None:
        return state, []
    old, events = state.mode, []
    state = state._replace(mode=mode, reason=reason, entered=now)
    if mode is old:
        return state, []
    expert_gave = state.takeover is not None and state.takeover.who is Source.EXPERT
    rollback = old is M.HANDBACK and mode is M.EXPERT and expert_gave  # the same takeover goes on
    takes = reason != "engaged" and (mode in (M.HUMAN, M.MRM) or (mode is M.EXPERT and "policy" in p.drivers))
    ends = not rollback and mode is not M.HANDBACK
    if state.takeover is not None and ends:
        events.append(_event(state.takeover, EventKind.END, reason, now))
        state = state._replace(takeover=None)
    if state.takeover is not None and mode is M.HANDBACK:
        events.append(_event(state.takeover, EventKind.HANDBACK, reason, now))
    if takes:
        number = state.takeover.number if state.takeover is not None else state.takeovers + 1
        takeover = _takeover(number, facts, mode, reason)
        events.append(_event(takeover, EventKind.START, reason, now))
        state = state._replace(takeover=takeover, takeovers=number)
    return state, events


def _takeover(number: int, facts: Facts, mode: M, reason: str) -> Takeover:
    who = {M.HUMAN: Source.HUMAN, M.EXPERT: Source.EXPERT}.get(mode, Source.MRM)
    if who is Source.HUMAN or reason in ("human_lost", "released"):
        return Takeover(number, who, Trigger.HUMAN_OVERRIDE, 1.0, None)
    if facts.request is not None:
        return Takeover(number, who, facts.request.trigger, facts.request.severity, facts.request.time_to_event)
    return Takeover(number, who, Trigger.POLICY_UNHEALTHY, 1.0, None)


def _event(takeover: Takeover, kind: EventKind, why: str, now: Now) -> TakeoverEvent:
    return TakeoverEvent(
        now.ros, kind, takeover.number, takeover.who, takeover.trigger, takeover.severity, takeover.time_to_event, why
    )
