"""What the ego is going to do, as road users that react to it are told: its plan in the ``map`` frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from takead_ros.compiled import Matrix, Vector, kernel
from takead_ros.domain.driving import Plan
from takead_ros.domain.geometry import to_outer, wrap_angle
from takead_ros.domain.scene import FloatArray
from takead_ros.simulators.vector.ego import SingleTrack, pedal, step_ego

HOLDS_S = 0.3  # a plan that is older says nothing any more of what the ego means to do


@dataclass(frozen=True)
class EgoPlan:
    """Announced at ``time_s`` s of the dream: states (T, 4) [x m, y m, yaw rad, speed m/s in ``map``], the first of
    them the ego's own then, each ``dt`` s after the one before."""

    time_s: float
    states: FloatArray
    dt: float

    def at(self, times_s: FloatArray) -> FloatArray:
        """States (N, 4) at ``times_s`` (N,) s of the dream; beyond its end, straight on with the last speed."""
        own = np.arange(len(self.states)) * self.dt
        asked = times_s - self.time_s
        yaw = np.unwrap(self.states[:, 2])
        columns = (self.states[:, 0], self.states[:, 1], yaw, self.states[:, 3])
        found = np.stack([np.interp(asked, own, column) for column in columns], axis=-1)
        beyond = np.maximum(asked - own[-1], 0.0) * found[:, 3]
        found[:, 0] += beyond * np.cos(found[:, 2])
        found[:, 1] += beyond * np.sin(found[:, 2])
        return found


def from_driver(plan: Plan, pose: tuple[float, float, float], speed: float, time_s: float) -> EgoPlan:
    """A driver's plan, which is seen from the ego; pose: x m, y m, yaw rad of the ego, speed m/s when it was made."""
    places = to_outer(np.stack([plan.x, plan.y], axis=-1), *pose)
    states = np.column_stack([places, plan.yaw + pose[2], plan.speed])
    return EgoPlan(time_s, np.concatenate([[(*pose, speed)], states]), plan.dt)


def going_on(states: FloatArray, step_s: float, time_s: float) -> EgoPlan:
    """With the speed and the turn that it has, where nobody said a plan: from the ego's states (2 or more, 4), each
    ``step_s`` s after the one before, the last of them now."""
    x, y, yaw, speed = (float(value) for value in states[-1])
    turn = float(wrap_angle(yaw - states[-2, 2])) / step_s if len(states) > 1 else 0.0
    times = np.arange(0.0, 4.05, 0.1)
    headings = yaw + turn * times
    way = speed * times
    middle = yaw + 0.5 * turn * times
    places = np.column_stack([x + way * np.cos(middle), y + way * np.sin(middle)])
    return EgoPlan(time_s, np.column_stack([places, headings, np.full(len(times), speed)]), 0.1)


@kernel
def roll_out(body: Vector, commands: Matrix, states: Matrix, vehicle: SingleTrack) -> None:
    """Drive a copy of the ego's ``body`` (9,) (``vector.arrays.State``) by commands (T, 2) [rad, m/s^2], one for each
    tick; states (T, 4) [x m, y m, yaw rad, speed m/s] after each are written."""
    for t in range(len(commands)):
        speed = math.cos(body[8]) * body[3] + math.sin(body[8]) * body[4]
        steering = max(-vehicle.full_lock, min(vehicle.full_lock, commands[t, 0]))
        step_ego(body, steering, pedal(commands[t, 1], speed, vehicle), vehicle)
        states[t, 0], states[t, 1], states[t, 2] = body[6], body[7], body[8]
        states[t, 3] = math.cos(body[8]) * body[3] + math.sin(body[8]) * body[4]
