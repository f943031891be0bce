"""The ego's motion: two axles whose tyres give way to slip, as MetaDrive's Bullet vehicle moves on flat ground.

At each physics step Bullet's raycast vehicle takes a fifth of the sideways slip at each wheel away (contact damping
0.2 in ``resolveSingleBilateral``), drives or brakes along each wheel's direction, and cuts both where together they
exceed the tyre's friction. What its suspension and rolling body add is in the constants, which
``benchmarks/vector_world.py identify`` fits to drives of the simulator itself and whose residuals it prints.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from takead_ros.compiled import part
from takead_ros.domain.scene import FloatArray


class SingleTrack(NamedTuple):
    """Single-track constants and the limits of the actuators.

    grip_front, grip_rear: share of the slip at an axle's wheel that a physics step's impulse would take away by itself;
    yaw_gain 1/m^2: mass over yaw inertia; half_track, to_front, to_rear m: where the wheels are as seen from the
    centre; friction: of a tyre; length, width, wheelbase m and full_lock rad as the scene shows them; accelerations in
    m/s^2; top_speed m/s from which the engine gives nothing; physics_step s; substeps in a tick.
    """

    grip_front: float = 0.505282
    grip_rear: float = 0.460640
    yaw_gain: float = 0.445438
    half_track: float = 1.117682
    to_front: float = 1.051896
    to_rear: float = 1.374141
    friction: float = 0.953671
    length: float = 4.515
    width: float = 1.852
    wheelbase: float = 2.46894
    full_lock: float = math.radians(40.0)
    full_throttle: float = 4.0
    full_brake: float = 9.0
    top_speed: float = 80.0 / 3.6
    creep: float = 0.05
    physics_step: float = 0.025
    substeps: int = 2


METADRIVE = SingleTrack()
GRAVITY = 9.81
DAMPING = 0.2  # Bullet's share of the slip that one impulse takes away


@part
def step_ego(body: FloatArray, steering: float, acceleration: float, vehicle: SingleTrack) -> None:
    """Move ``body`` (9,) (see ``arrays.State``) on by one tick under a front-wheel angle (rad) and an acceleration
    (m/s^2), both within the actuators' limits."""
    h = vehicle.physics_step
    lock_cos, lock_sin = math.cos(steering), math.sin(steering)
    limit = vehicle.friction * GRAVITY * h / 4.0
    for _ in range(vehicle.substeps):
        body[6], body[7], body[8] = body[0], body[1], body[2]
        body[0] += body[3] * h
        body[1] += body[4] * h
        body[2] += body[5] * h
        cos, sin = math.cos(body[2]), math.sin(body[2])
        along, across = cos * body[3] + sin * body[4], cos * body[4] - sin * body[3]
        turn = body[5]
        gain_along, gain_across, gain_turn = 0.0, 0.0, 0.0
        for wheel in range(4):
            front = wheel < 2
            x = vehicle.to_front if front else -vehicle.to_rear
            y = vehicle.half_track if wheel % 2 == 0 else -vehicle.half_track
            c, s = (lock_cos, lock_sin) if front else (1.0, 0.0)
            vx, vy = along - turn * y, across + turn * x
            side = (s * vx - c * vy) * DAMPING * (vehicle.grip_front if front else vehicle.grip_rear)
            if acceleration > 0.0:
                push = acceleration * h / 4.0
            else:
                brake = -acceleration * h / 4.0
                push = max(-brake, min(brake, -(c * vx + s * vy) / 4.0))
            size = math.sqrt(side * side + push * push)
            if size > limit:
                side, push = side * limit / size, push * limit / size
            fx, fy = push * c - side * s, push * s + side * c
            gain_along += fx
            gain_across += fy
            gain_turn += vehicle.yaw_gain * (x * fy - y * fx)
        along, across = along + gain_along, across + gain_across
        body[3], body[4], body[5] = cos * along - sin * across, sin * along + cos * across, turn + gain_turn


@part
def pedal(acceleration: float, speed: float, vehicle: SingleTrack) -> float:
    """The acceleration (m/s^2) that the pedals give for the one asked for: a car that coasts asks for the least
    throttle, one that stands and is not to go is held."""
    if acceleration >= 0.0:
        if speed > vehicle.top_speed:
            return 0.0
        return max(min(acceleration, vehicle.full_throttle), 1e-4 * vehicle.full_throttle)
    if speed < vehicle.creep:
        return -vehicle.full_brake
    return max(acceleration, -vehicle.full_brake)
