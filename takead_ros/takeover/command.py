"""The command of a tick: who drives each axis, what he asks for, cut to the limits, with its provenance."""

from __future__ import annotations

from dataclasses import dataclass

from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import DriveCommand, DriverOutput, Source
from takead_ros.domain.scene import EgoState
from takead_ros.domain.units import SECOND
from takead_ros.takeover import limits, mrm
from takead_ros.takeover.facts import Facts
from takead_ros.takeover.inputs import Now
from takead_ros.takeover.memory import ArbiterMemory
from takead_ros.takeover.parameters import ArbiterParameters

LONGEST_AGE_S = 3600.0  # reported for an input that never came
UNKNOWN = mrm.DeadReckoning.of(EgoState(0.0, 0.0, 0.0, 0.0))  # before the first scene: standing, of ordinary size


@dataclass(frozen=True)
class Axis:
    """One axis before the limits: the value asked for (rad or m/s^2), by whom, from an observation of which stamp (ns)
    and age (s)."""

    value: float
    source: Source
    stamp: int
    age: float


def compose_command(state: ArbiterMemory, facts: Facts, now: Now, dt: float, p: ArbiterParameters) -> DriveCommand:
    """The command that ``state`` gives at ``now``, ``dt`` s after the last one."""
    motion = state.motion or UNKNOWN
    before = _before(state)
    driver = {M.POLICY: facts.policy, M.HANDBACK: facts.policy, M.EXPERT: facts.expert, M.HUMAN: facts.automation()}
    lateral, longitudinal = _automation(state, driver.get(state.mode), motion, before[0], now, p)
    human, age = state.screened.human.accepted, state.screened.human.age(now)
    if human is not None and facts.wheel:
        lateral = Axis(state.wheel.value, Source.HUMAN, human.stamp, age)
    if human is not None and facts.pedals:
        longitudinal = Axis(state.pedals.value, Source.HUMAN, human.stamp, age)

    allowed = limits.rates(motion.speed, motion.wheelbase, p)
    if state.mode is M.HANDBACK:  # slower, but braking is never delayed
        steering_rate = min(allowed.steering, p.handback_steering_rate_radps)
        allowed = limits.Rates(steering_rate, min(allowed.jerk_up, p.handback_jerk_mps3), allowed.jerk_down)
    steering, acceleration, cut = limits.limit_command(
        lateral.value, longitudinal.value, before, motion, allowed, dt, p
    )
    policy = state.screened.policy.seen
    return DriveCommand(
        stamp=min(lateral.stamp, longitudinal.stamp),
        steering_angle=steering,
        acceleration=acceleration,
        lateral=lateral.source,
        longitudinal=longitudinal.source,
        lateral_age=min(lateral.age, LONGEST_AGE_S),
        longitudinal_age=min(longitudinal.age, LONGEST_AGE_S),
        limits=cut,
        reason=state.reason,
        model_sha256=policy.value.model_sha256 if policy is not None else "",
    )


def _before(state: ArbiterMemory) -> tuple[float, float]:
    """The last command, or before the first one what the vehicle does by itself."""
    if state.last is not None:
        return state.last
    scene = state.screened.scene.accepted
    return (scene.value.ego.steering_angle, 0.0) if scene is not None else (0.0, 0.0)


def _automation(
    state: ArbiterMemory,
    driver: DriverOutput | None,
    motion: mrm.DeadReckoning,
    held: float,
    now: Now,
    p: ArbiterParameters,
) -> tuple[Axis, Axis]:
    """Both axes as the driver of the state wants them, or by the minimum-risk manoeuvre where there is none."""
    screened = state.screened
    if driver is not None:
        of_policy = screened.policy.accepted is not None and driver is screened.policy.accepted.value
        source, age = (
            (Source.POLICY, screened.policy.age(now)) if of_policy else (Source.EXPERT, screened.expert.age(now))
        )
        return (
            Axis(driver.steering_angle, source, driver.stamp, age),
            Axis(driver.acceleration, source, driver.stamp, age),
        )
    scene, age = screened.scene.accepted, screened.scene.age(now)
    stamp = scene.stamp if scene is not None else now.ros
    source = Source.NONE if state.mode is M.DISENGAGED else Source.MRM
    angle, braking = held, p.hold_deceleration_mps2
    if abs(motion.speed) >= p.standstill_mps:
        angle = mrm.steering(state.path, motion, held, p)
        age_s = (now.steady - state.objects_at) / SECOND
        arrives = state.mode is M.ARRIVING
        least = mrm.to_goal(state.goal_m, motion, p) if arrives else mrm.to_path_end(state.path, motion, p)
        rolls = _may_roll(state, now, p)
        braking = 0.0 if rolls else mrm.deceleration(state.path, motion, state.objects, age_s, least, p)
    return Axis(angle, source, stamp, age), Axis(-braking, source, stamp, age)


def _may_roll(state: ArbiterMemory, now: Now, p: ArbiterParameters) -> bool:
    """A moving vehicle that is about to engage by itself is not braked before its drivers had time to speak up."""
    waits = p.auto_engage and not state.was_engaged and state.mode is M.DISENGAGED
    return waits and state.started is not None and now.steady - state.started <= p.engage_grace_s * SECOND


def uncut(steering: float, acceleration: float, state: ArbiterMemory, p: ArbiterParameters) -> tuple[float, float]:
    """What becomes of a wish (rad, m/s^2) once the limits of value, not of rate, have cut it."""
    motion = state.motion or UNKNOWN
    return limits.bounded(steering, acceleration, motion, p)[:2]
