"""Kernels from a network's outputs to a plan and a command, for one observation or a batch of them: the same bits."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Cube, Flags, Matrix, Vector, kernel, part
from takead_ros.domain.kernels import interpolate
from takead_ros.policy.arrays import Decoded, Decoder, Frames, Heads, Motions, RouteFrame, TrackingState
from takead_ros.policy.kernels.plans import lay_plan, track_plan
from takead_ros.policy.kernels.route import observed_frame

PLAN, MODE, MEDIAN, MEAN = 0, 1, 2, 3  # places in ``manifest.SPEED_DECODES``
NONE, FUSED, HYBRID, ONLY = 0, 1, 2, 3  # places in ``manifest.CONTROL_DECODES``
TARGET_S = 2.0  # to which the speed head's distribution belongs
HARD = -3.0  # m/s^2; braking below which the harder of plan and control branch holds
MAX_SPEED, MAX_ACCELERATION = 60.0, 15.0  # m/s, m/s^2: beyond these an output cannot be meant
BEYOND_LOCK = 1e-6  # rad that rounding may add to full lock


@part
def to_probabilities(logits: Vector, out: Vector) -> None:
    """Softmax of logits (B,) into ``out`` (B,)."""
    highest, total = logits[0], 0.0
    for b in range(len(out)):
        highest = max(highest, logits[b])
    for b in range(len(out)):
        out[b] = np.exp(float(logits[b]) - float(highest))
        total += out[b]
    for b in range(len(out)):
        out[b] /= total


@part
def aimed_speed(bins: Vector, probabilities: Vector, how: int) -> float:
    """``speed_of`` as a part."""
    if how == MEAN:
        mean = 0.0
        for b in range(len(bins)):
            mean += bins[b] * probabilities[b]
        return mean
    if how == MEDIAN:
        reached, total = np.empty(len(bins)), 0.0
        for b in range(len(bins)):
            total += probabilities[b]
            reached[b] = total - 0.5 * probabilities[b]
        return interpolate(0.5, reached, bins)
    best = 0
    for b in range(len(bins)):
        if probabilities[b] > probabilities[best]:
            best = b
    return float(bins[best])


@part
def retime(profile: Matrix, speed: float, target: float, dt: float) -> None:
    """``retimed``, in place."""
    steps = len(profile)
    road, aside = np.zeros(steps + 1), np.zeros(steps + 1)
    total = 0.0
    for t in range(steps):
        total += max(speed + profile[t, 0], 0.0)
        road[t + 1], aside[t + 1] = total * dt + 1e-6 * (t + 1), profile[t, 1]  # strictly growing
    total = 0.0
    for t in range(steps):
        pace = speed + (target - speed) * min(dt * (t + 0.5) / TARGET_S, 1.0)
        total += pace
        profile[t, 0], profile[t, 1] = pace - speed, interpolate(total * dt, road, aside)


@part
def answer(
    profile: Matrix,
    speed_logits: Vector,
    control: Vector,
    decoder: Decoder,
    frame: RouteFrame,
    motion: TrackingState,
    out: Decoded,
) -> tuple[float, float]:
    """(steering angle rad, acceleration m/s^2) for the chosen profile (T, 2), which is altered by a target speed."""
    to_probabilities(speed_logits, out.probabilities)
    if decoder.how != PLAN:
        target = aimed_speed(decoder.bins, out.probabilities, decoder.how)
        retime(profile, motion.speed, target, decoder.dt)
    lay_plan(profile, motion.speed, decoder.fade, decoder.dt, frame, out.positions, out.yaws, out.speeds)
    x, y = out.positions[:, 0], out.positions[:, 1]
    steering, acceleration = track_plan(
        x, y, out.speeds, decoder.dt, decoder.knots, decoder.start, motion, decoder.tracking
    )
    if decoder.control == ONLY:
        steering = min(max(float(control[0]), -motion.max_steering_angle), motion.max_steering_angle)
    if decoder.control in (HYBRID, ONLY):
        acceleration = float(control[1])
    elif decoder.control == FUSED:
        # where the two disagree about braking hard, the harder one holds: a late brake costs more than an early one
        direct = float(control[1])
        harder = min(acceleration, direct)
        acceleration = harder if harder < HARD else 0.5 * (acceleration + direct)
    return steering, acceleration


@part
def room_for_plan(steps: int, bins: int) -> Decoded:
    return Decoded(np.empty(bins), np.empty((steps, 2)), np.empty(steps), np.empty(steps))


@kernel
def speed_of(bins: Vector, probabilities: Vector, how: int) -> float:
    """One speed m/s of a distribution over ``bins`` (B,) m/s: its mode, median or mean.

    The median is where the distribution, spread evenly between neighbouring bins, reaches one half. A mean of "stop"
    and "go" creeps into what one stops for; mode and median decide.
    """
    return aimed_speed(bins, probabilities, how)


@kernel
def retimed(profile: Matrix, speed: float, target: float, dt: float) -> Matrix:
    """The path of a profile (T, 2) driven so that ``target`` m/s is reached after TARGET_S s, from ``speed`` m/s."""
    changed: Matrix = profile.copy()
    retime(changed, speed, target, dt)
    return changed


@kernel
def answer_one(
    profile: Matrix, speed_logits: Vector, control: Vector, decoder: Decoder, frame: RouteFrame, motion: TrackingState
) -> tuple[Decoded, float, float]:
    """``answer`` for one observation: (plan, steering angle rad, acceleration m/s^2)."""
    out = room_for_plan(len(profile), len(decoder.bins))
    steering, acceleration = answer(profile.copy(), speed_logits, control, decoder, frame, motion, out)
    return out, steering, acceleration


@part
def observed_motion(motions: Motions, b: int) -> TrackingState:
    return TrackingState(
        motions.speed[b], motions.steering_angle[b], motions.max_steering_angle[b], motions.wheelbase[b]
    )


@part
def _all_finite(values: Vector) -> bool:
    sound = True
    for i in range(len(values)):
        sound = sound and np.isfinite(values[i])
    return sound


@kernel
def answer_all(
    heads: Heads, decoder: Decoder, frames: Frames, motions: Motions, sound: Flags, commands: Matrix, plans: Cube
) -> None:
    """``answer`` for each of B observations, into commands (B, 2): steering angle rad, acceleration m/s^2; and plans
    (B, 4, T): x y m and yaw rad in ``base_link``, speed m/s.

    ``sound`` (B,): observations that could be encoded; becomes False where outputs or command are not finite, or beyond
    what can be meant. Commands and plans of these are not written.
    """
    logits, profiles = heads.logits, heads.profiles
    steps = profiles.shape[2] // 2
    profile, out = np.empty((steps, 2)), room_for_plan(steps, len(decoder.bins))
    for b in range(len(sound)):
        if not sound[b]:
            continue
        sound[b] = False
        finite = _all_finite(logits[b]) and _all_finite(heads.speed_logits[b]) and _all_finite(heads.control[b])
        for k in range(profiles.shape[1]):
            finite = finite and _all_finite(profiles[b, k])
        if not finite:
            continue
        best = 0
        for k in range(logits.shape[1]):
            if logits[b, k] > logits[b, best]:
                best = k
        for t in range(steps):
            profile[t, 0], profile[t, 1] = profiles[b, best, 2 * t], profiles[b, best, 2 * t + 1]
        frame, motion = observed_frame(frames, b), observed_motion(motions, b)
        steering, acceleration = answer(profile, heads.speed_logits[b], heads.control[b], decoder, frame, motion, out)
        fastest, finite = 0.0, np.isfinite(steering) and np.isfinite(acceleration)
        for t in range(steps):
            fastest = max(fastest, out.speeds[t])
            finite = finite and np.isfinite(out.positions[t, 0] + out.positions[t, 1] + out.yaws[t] + out.speeds[t])
        if (
            finite
            and fastest <= MAX_SPEED
            and abs(acceleration) <= MAX_ACCELERATION
            and abs(steering) <= motion.max_steering_angle + BEYOND_LOCK
        ):
            sound[b], commands[b, 0], commands[b, 1] = True, steering, acceleration
            for t in range(steps):
                plans[b, 0, t], plans[b, 1, t] = out.positions[t, 0], out.positions[t, 1]
                plans[b, 2, t], plans[b, 3, t] = out.yaws[t], out.speeds[t]
