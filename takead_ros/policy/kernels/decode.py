"""Kernels from a network's outputs to a plan and a command, for one observation or a batch of them: the same bits."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Cube32, Flags, Matrix, Matrix32, Vector, kernel, part
from takead_ros.domain.kernels import interpolate
from takead_ros.policy.arrays import Decoder, Frames, Motion, Motions, RouteFrame
from takead_ros.policy.kernels.plans import follow, lay_plan

PLAN, MODE, MEDIAN, MEAN = 0, 1, 2, 3  # places in ``manifest.SPEED_DECODES``
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
    profile: Matrix, speed_logits: Vector, control: Vector, decoder: Decoder, frame: RouteFrame, motion: Motion,
    probabilities: Vector, positions: Matrix, yaws: Vector, speeds: Vector,
) -> tuple[float, float]:  # fmt: skip
    """(steering angle rad, acceleration m/s^2) for the chosen profile (T, 2), which is altered by a target speed.

    Fills the distribution over speeds (B,), and the plan: positions (T, 2) m, yaws (T,) rad, speeds (T,) m/s.
    """
    to_probabilities(speed_logits, probabilities)
    if decoder.how != PLAN:
        target = aimed_speed(decoder.bins, probabilities, decoder.how)
        retime(profile, motion.speed, target, decoder.dt)
    lay_plan(profile, motion.speed, decoder.fade, decoder.dt, frame, positions, yaws, speeds)
    steering, acceleration = follow(
        positions[:, 0], positions[:, 1], speeds, decoder.dt, decoder.knots, decoder.start, motion, decoder.tracking
    )
    if decoder.control:
        # where the two disagree about braking hard, the harder one holds: a late brake costs more than an early one
        direct = float(control[1])
        harder = min(acceleration, direct)
        acceleration = harder if harder < HARD else 0.5 * (acceleration + direct)
    return steering, acceleration


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
    profile: Matrix, speed_logits: Vector, control: Vector, decoder: Decoder, frame: RouteFrame, motion: Motion
) -> tuple[Vector, Matrix, Vector, Vector, float, float]:
    """``answer`` for one observation: (probabilities, positions, yaws, speeds, steering angle, acceleration)."""
    steps, chosen = len(profile), profile.copy()
    probabilities, positions = np.empty(len(decoder.bins)), np.empty((steps, 2))
    yaws, speeds = np.empty(steps), np.empty(steps)
    steering, acceleration = answer(
        chosen, speed_logits, control, decoder, frame, motion, probabilities, positions, yaws, speeds
    )
    return probabilities, positions, yaws, speeds, steering, acceleration


@part
def _all_finite(values: Vector) -> bool:
    sound = True
    for i in range(len(values)):
        sound = sound and np.isfinite(values[i])
    return sound


@kernel
def answer_all(
    logits: Matrix32, profiles: Cube32, speed_logits: Matrix32, control: Matrix32, decoder: Decoder, frames: Frames,
    motions: Motions, sound: Flags, commands: Matrix,
) -> None:  # fmt: skip
    """``answer`` for each of B observations, into commands (B, 2): steering angle rad, acceleration m/s^2.

    profiles (B, K, 2 T): as the network gives them, pace and offset in turn. ``sound`` (B,): observations that could
    be encoded; becomes False where outputs or command are not finite, or beyond what can be meant. Commands of these
    are not written.
    """
    steps = profiles.shape[2] // 2
    profile, positions = np.empty((steps, 2)), np.empty((steps, 2))
    yaws, speeds, probabilities = np.empty(steps), np.empty(steps), np.empty(len(decoder.bins))
    for b in range(len(sound)):
        if not sound[b]:
            continue
        sound[b] = False
        finite = _all_finite(logits[b]) and _all_finite(speed_logits[b]) and _all_finite(control[b])
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
        room = frames.used[b]
        frame = RouteFrame(frames.points[b, :room], frames.heading[b, :room], frames.arc[b, :room], frames.offset[b],
                           frames.heading_error[b])  # fmt: skip
        motion = Motion(motions.speed[b], motions.steering_angle[b], motions.max_steering_angle[b],
                        motions.wheelbase[b])  # fmt: skip
        steering, acceleration = answer(
            profile, speed_logits[b], control[b], decoder, frame, motion, probabilities, positions, yaws, speeds
        )
        fastest = 0.0
        finite = np.isfinite(steering) and np.isfinite(acceleration)
        for t in range(steps):
            fastest = max(fastest, speeds[t])
            finite = finite and np.isfinite(positions[t, 0] + positions[t, 1] + yaws[t] + speeds[t])
        if (
            finite and fastest <= MAX_SPEED and abs(acceleration) <= MAX_ACCELERATION
            and abs(steering) <= motion.max_steering_angle + BEYOND_LOCK
        ):  # fmt: skip
            sound[b], commands[b, 0], commands[b, 1] = True, steering, acceleration
