"""Who drives, axis by axis, at every tick: human > expert > policy, and with nobody fit the minimum-risk manoeuvre.

``step`` is the whole arbiter: (state, inputs with their ages, time) -> (state, command, events). No clock, no I/O.

[printed: transitions, by `takead takeover table --write`]

| from               | when                                       | to         | reason                | event        |
|--------------------|--------------------------------------------|------------|-----------------------|--------------|
| any                | disengage is asked for                     | DISENGAGED | disengaged            | END          |
| not engaged        | engage is accepted, a human holds an axis  | HUMAN      | engaged               | END          |
| not engaged        | engage is accepted, with policy            | POLICY     | engaged               | END          |
| not engaged        | engage is accepted, no policy              | EXPERT     | engaged               | END          |
| DISENGAGED         | the scene is lost, no human drives         | MRM        | scene_lost            | END, START   |
| MRM                | stood for standstill_s                     | STOPPED    | standstill            | END          |
| ARRIVING           | stood for standstill_s                     | STOPPED    | arrived               |              |
| MRM, ARRIVING      | manoeuvre_limit_s over                     | DISENGAGED | manoeuvre_timeout     | END          |
| STOPPED            | it moves, no human drives                  | MRM        | rolling               | END, START   |
| engaged            | nobody fit for the axis left free          | MRM        | no_driver:WHY         | END, START   |
| engaged            | off the road, no human holds both axes     | MRM        | off_road              | END, START   |
| engaged            | the route ends, no human holds both axes   | ARRIVING   | arrived               | END, ARRIVAL |
| engaged, not HUMAN | a human holds an axis                      | HUMAN      | human_input           | END, START   |
| HUMAN              | a human holds an axis                      | HUMAN      |                       |              |
| HUMAN              | heartbeat lost, expert fit, no policy      | EXPERT     | human_lost            | END          |
| HUMAN              | heartbeat lost, expert fit                 | EXPERT     | human_lost            | END, START   |
| HUMAN              | expert fit, no policy                      | EXPERT     | released              | END          |
| HUMAN              | expert fit, (policy unfit or request)      | EXPERT     | released              | END, START   |
| HUMAN              | policy fit, heartbeat lost                 | HANDBACK   | human_lost            | HANDBACK     |
| HUMAN              | policy fit                                 | HANDBACK   | released              | HANDBACK     |
| HUMAN              | otherwise                                  | MRM        | no_driver:WHY         | END, START   |
| EXPERT             | expert unfit, policy fit, no request       | HANDBACK   | expert_lost           | HANDBACK     |
| EXPERT             | expert unfit                               | MRM        | no_driver:WHY         | END, START   |
| EXPERT             | held expert_hold_s, no request, both agree | HANDBACK   | agreed                | HANDBACK     |
| POLICY             | policy unfit, expert fit                   | EXPERT     | policy_FAULT          | END, START   |
| POLICY             | request, expert fit                        | EXPERT     | TRIGGER               | END, START   |
| POLICY             | policy unfit                               | MRM        | no_driver:WHY         | END, START   |
| POLICY             | request of a stopping trigger              | MRM        | no_driver:WHY         | END, START   |
| HANDBACK           | policy unfit, expert fit                   | EXPERT     | rollback:policy_FAULT | START (*)    |
| HANDBACK           | request, expert fit                        | EXPERT     | rollback:TRIGGER      | START (*)    |
| HANDBACK           | handback_timeout_s over, expert fit        | EXPERT     | rollback:timeout      | START (*)    |
| HANDBACK           | both disagree                              | EXPERT     | rollback:disagreement | START (*)    |
| HANDBACK           | policy unfit                               | MRM        | no_driver:WHY         | END, START   |
| HANDBACK           | request of a stopping trigger              | MRM        | no_driver:WHY         | END, START   |
| HANDBACK           | handback_timeout_s over                    | MRM        | no_driver:WHY         | END, START   |
| HANDBACK           | the command reached the policy's           | POLICY     | converged             | END          |

[end of transitions]

Rows are tried from the top; the first whose mode and condition hold is taken, at most one a tick. They are the code:
``takeover.machine``. Engaged are POLICY, EXPERT, HUMAN and HANDBACK. A policy is fit while its output, the scene and
the monitor's word are sound and fresh: nobody watches it otherwise. END and HANDBACK are told where a takeover is going
on. (*) With the number of the takeover that is going on where that is the expert's own; else END, START.

In DISENGAGED, MRM and STOPPED a human's input drives its axis at once, without changing the mode: he always wins, and
only an explicit engage lets the automation drive again. The axes nobody drives follow the manoeuvre of
``takeover.mrm``: a DISENGAGED vehicle brakes to a standstill and is held there too.
"""

from __future__ import annotations

from takead_ros.domain.driving import DriveCommand, TakeoverEvent
from takead_ros.domain.units import SECOND
from takead_ros.takeover.command import compose_command
from takead_ros.takeover.engagement import answered
from takead_ros.takeover.facts import derive_facts, observe
from takead_ros.takeover.inputs import Inputs, Now
from takead_ros.takeover.machine import GuardInput, transition
from takead_ros.takeover.memory import ArbiterMemory
from takead_ros.takeover.parameters import ArbiterParameters


def step(
    state: ArbiterMemory, inputs: Inputs, now: Now, p: ArbiterParameters
) -> tuple[ArbiterMemory, DriveCommand, list[TakeoverEvent]]:
    """One tick: exactly one command, and the events of a change of driver. An ask is answered in ``state.response``."""
    dt = _elapsed(state, now, p)
    situation = assess(state, inputs, now, p)
    state, events = transition(situation)
    command = compose_command(state, situation.facts, now, dt, p)
    state = state._replace(tick=now, last=(command.steering_angle, command.acceleration))
    return state, command, events


def assess(state: ArbiterMemory, inputs: Inputs, now: Now, p: ArbiterParameters) -> GuardInput:
    """The situation of this tick, on which the rows of the table decide: inputs screened, facts derived, asks
    answered."""
    state = observe(state, inputs, now, _elapsed(state, now, p), p)
    state, facts = derive_facts(state, now, p)
    state, accepted = answered(state, facts, inputs.ask, p)
    return GuardInput(state, facts, now, inputs.ask, accepted, p)


def _elapsed(state: ArbiterMemory, now: Now, p: ArbiterParameters) -> float:
    """Seconds since the last tick; at most two periods, for a late tick must not allow a leap."""
    elapsed = (now.steady - state.tick.steady) / SECOND if state.tick is not None else p.period_s
    return min(max(elapsed, 0.0), 2.0 * p.period_s)
