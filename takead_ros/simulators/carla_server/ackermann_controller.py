"""Driving by Ackermann control: a target speed and acceleration become pedals, an angle the share of the lock."""

from __future__ import annotations

import math

from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server.actors import Rows, ServerActor
from takead_ros.simulators.carla_server.values import VehicleControl

HASTY = 3.0  # m/s^2 where no acceleration is asked for
SETTLE_S = 0.5  # in which a difference of speed is to be made up
PEDAL_PER_ERROR = 0.08  # pedal per second and m/s^2 of missing acceleration
STANDING = 0.1  # m/s


def track_ackermann(actor: ServerActor, rows: Rows, dt: float) -> None:
    """Set the pedals and the wheel of ``actor`` for the next ``dt`` s."""
    wanted, row = actor.ackermann, actor.row
    assert wanted is not None
    car, drive = rows.car[row], rows.drive[row]
    most = abs(wanted.acceleration) or HASTY
    speed = float(drive[c.FORWARD])
    acceleration = min(max((wanted.speed - speed) / SETTLE_S, -most), most)
    backwards = wanted.speed < 0.0
    if backwards:
        acceleration = -acceleration
    if wanted.speed == 0.0 and abs(speed) < STANDING:
        actor.pedal = -1.0
    else:
        ahead = math.cos(math.radians(rows.pose[row, c.YAW])), math.sin(math.radians(rows.pose[row, c.YAW]))
        reached = float(rows.acceleration[row, 0] * ahead[0] + rows.acceleration[row, 1] * ahead[1])
        error = acceleration - (-reached if backwards else reached)
        actor.pedal = min(max(actor.pedal + PEDAL_PER_ERROR * 10.0 * error * dt, -1.0), 1.0)
    curve = 1.0
    at = abs(speed) * 3.6 / c.CURVE_STEP_KMH
    low = min(int(at), c.CURVE_POINTS - 2)
    points = car[c.STEERING_CURVE + low : c.STEERING_CURVE + low + 2]
    curve = max(float(points[0] + min(at - low, 1.0) * (points[1] - points[0])), 0.05)
    goal = min(max(wanted.steer / (float(car[c.LOCK]) * curve), -1.0), 1.0) if car[c.LOCK] > 0.0 else 0.0
    if wanted.steer_speed > 0.0:
        change = wanted.steer_speed / (float(car[c.LOCK]) * curve) * dt
        goal = min(max(goal, float(drive[c.STEER]) - change), float(drive[c.STEER]) + change)
    pedals = VehicleControl(max(actor.pedal, 0.0), goal, max(-actor.pedal, 0.0), False, backwards)
    rows.drive[row, : c.WANTED_GEAR + 1] = pedals
