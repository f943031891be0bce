"""How vehicles and walkers move: one kernel over all rows (array_columns.py).

A vehicle is a passenger car as CARLA's public parameters describe it (docs/carla_server.md): engine torque over speed
and throttle through an automatic gearbox, brakes by their torque, drag; the front wheels turn to the lock times the
steering curve, the car follows them as a single track without slip up to the tyres' limit, beyond which it turns less.
What a collision or a target velocity adds slides and decays.
"""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import FlagMatrix, Matrix, kernel, part
from takead_ros.simulators.carla_server.array_columns import (
    AUTOBOX,
    BOX_Z,
    BRAKE,
    BRAKES,
    CURVE_POINTS,
    CURVE_STEP_KMH,
    DAMPING_ENGAGED,
    DAMPING_FULL,
    DRAG,
    ENGINE,
    FALL,
    FINAL,
    FORCE_X,
    FORCE_Y,
    FORCE_Z,
    FORWARD,
    FRICTION,
    GEAR,
    GEARS,
    GRAVITY,
    HALF_Z,
    HAND_BRAKE,
    HAND_BRAKES,
    HELD,
    HELD_X,
    HELD_Y,
    HELD_Z,
    LOCK,
    MANUAL,
    MASS,
    MAX_RPM,
    PHYSICS,
    PITCH,
    RADIUS,
    RATIOS,
    REVERSE,
    ROLLED,
    SHIFT_DOWN,
    SHIFT_LEFT,
    SHIFT_TIME,
    SHIFT_UP,
    SLIDE_X,
    SLIDE_Y,
    STEER,
    STEERING_CURVE,
    THROTTLE,
    TO_REAR,
    TORQUE_CURVE,
    TORQUE_POINTS,
    TURN,
    WALK_SPEED,
    WALK_X,
    WALK_Y,
    WANTED_GEAR,
    WHEELBASE,
    YAW,
    X,
    Y,
    Z,
)
from takead_ros.simulators.carla_server.kernel_arrays import Bodies, HeightGrid

VEHICLE, WALKER = 0, 1
LONGEST_STEP_S = 0.01
EARTH = 9.81  # m/s^2
IDLE_RPM = 900.0
ROLLING = 0.012  # of the weight
SETTLED = 0.9  # of the engine speed at which a gear shifts up
SLIDING = 0.7  # of the tyres' friction that stops a slide
# The road turns a car by so much (1/m) here and there: some 2 mm off its way. Without it cars stand in
# one line exactly, and CARLA's agents, which ask for an angle of more than 0, do not see the one ahead.
UNEVEN, WAVE_X, WAVE_Y = 3e-4, 0.4, 0.3
ONTO_GROUND_M = 0.02
UNDER_GROUND_M = 1.0  # deeper than this is not on the ground but below the world


@part
def height_at(x: float, y: float, grid: HeightGrid) -> float:
    """m of the ground below (x, y)."""
    heights = grid.heights
    rows, columns = heights.shape
    if rows == 1 and columns == 1:
        return float(heights[0, 0])
    row = min(max((x - grid.corner_x) / grid.cell - 0.5, 0.0), rows - 1.001)
    column = min(max((y - grid.corner_y) / grid.cell - 0.5, 0.0), columns - 1.001)
    i, j = int(row), int(column)
    a, b = row - i, column - j
    return float(
        (1.0 - a) * ((1.0 - b) * heights[i, j] + b * heights[i, j + 1])
        + a * ((1.0 - b) * heights[i + 1, j] + b * heights[i + 1, j + 1])
    )


@part
def sampled(row: Matrix, i: int, first: int, count: int, at: float) -> float:
    """Linear between the ``count`` equally spaced values from column ``first`` of row ``i`` on; ``at`` in spacings."""
    at = min(max(at, 0.0), count - 1.001)
    k = int(at)
    return float(row[i, first + k] + (at - k) * (row[i, first + k + 1] - row[i, first + k]))


@part
def gearbox(drive: Matrix, car: Matrix, i: int, dt: float) -> float:
    """The engaged ratio with the final one (negative in reverse, 0 while shifting); the engine's speed follows."""
    wheel_rpm = abs(drive[i, FORWARD]) / car[i, RADIUS] * 60.0 / (2.0 * np.pi)
    gears = int(car[i, GEARS])
    if drive[i, REVERSE] > 0.0:
        drive[i, GEAR] = -1.0
    elif drive[i, MANUAL] > 0.0 or car[i, AUTOBOX] == 0.0:
        drive[i, GEAR] = min(max(drive[i, WANTED_GEAR], -1.0), float(gears))
    elif drive[i, GEAR] < 1.0:
        drive[i, GEAR] = 1.0
    if drive[i, SHIFT_LEFT] > 0.0:
        drive[i, SHIFT_LEFT] -= dt
    gear = int(drive[i, GEAR])
    if gear == 0:
        drive[i, ENGINE] = IDLE_RPM
        return 0.0
    ratio = car[i, RATIOS + max(gear, 1) - 1] * car[i, FINAL]
    drive[i, ENGINE] = min(max(wheel_rpm * ratio, IDLE_RPM), car[i, MAX_RPM])
    if gear > 0 and drive[i, MANUAL] == 0.0 and car[i, AUTOBOX] > 0.0 and drive[i, SHIFT_LEFT] <= 0.0:
        share = wheel_rpm * ratio / car[i, MAX_RPM]
        if share > car[i, SHIFT_UP + gear - 1] and gear < gears:
            drive[i, GEAR] = gear + 1.0
            drive[i, SHIFT_LEFT] = car[i, SHIFT_TIME]
        elif gear > 1 and share < car[i, SHIFT_DOWN + gear - 1]:
            # not where the lower gear would at once ask for this one again
            lower = share * car[i, RATIOS + gear - 2] / car[i, RATIOS + gear - 1]
            if lower < SETTLED * car[i, SHIFT_UP + gear - 2]:
                drive[i, GEAR] = gear - 1.0
                drive[i, SHIFT_LEFT] = car[i, SHIFT_TIME]
    if drive[i, SHIFT_LEFT] > 0.0:
        return 0.0
    return float(-ratio if gear < 0 else ratio)


@part
def along(drive: Matrix, car: Matrix, i: int, dt: float) -> None:
    """The vehicle's speed after ``dt`` s of its pedals."""
    mass, radius, speed = car[i, MASS], car[i, RADIUS], drive[i, FORWARD]
    grip = car[i, FRICTION] * mass * EARTH
    ratio = gearbox(drive, car, i, dt)
    throttle = min(max(drive[i, THROTTLE], 0.0), 1.0)
    push = 0.0
    if ratio != 0.0:
        share = drive[i, ENGINE] / car[i, MAX_RPM]
        torque = sampled(car, i, TORQUE_CURVE, TORQUE_POINTS, share * (TORQUE_POINTS - 1))
        wheel_rpm = abs(speed) / radius * 60.0 / (2.0 * np.pi)
        if wheel_rpm * abs(ratio) >= car[i, MAX_RPM]:
            torque = 0.0
        push = throttle * torque * ratio / radius
        push = min(max(push, -0.5 * grip), 0.5 * grip)
        damping = car[i, DAMPING_ENGAGED] + (car[i, DAMPING_FULL] - car[i, DAMPING_ENGAGED]) * throttle
        hold = damping * speed / radius * ratio * ratio / radius
        push -= min(max(hold, -0.2 * grip), 0.2 * grip)
    push -= car[i, DRAG] * speed * abs(speed)
    brakes = min(max(drive[i, BRAKE], 0.0), 1.0) * car[i, BRAKES] / radius
    if drive[i, HAND_BRAKE] > 0.0:
        brakes += car[i, HAND_BRAKES] / radius
    brakes = min(brakes, grip) + ROLLING * mass * EARTH
    speed += push / mass * dt
    most = brakes / mass * dt
    if speed > most:
        speed -= most
    elif speed < -most:
        speed += most
    else:
        speed = 0.0
    drive[i, FORWARD] = speed


@part
def move_vehicle(pose: Matrix, velocity: Matrix, spin: Matrix, drive: Matrix, car: Matrix, i: int, dt: float) -> None:
    """One short step on the plane."""
    yaw = np.deg2rad(pose[i, YAW])
    if drive[i, HELD] > 0.0:
        drive[i, FORWARD] = drive[i, HELD_X]
        drive[i, SLIDE_X] = -drive[i, HELD_Y] * np.sin(yaw)
        drive[i, SLIDE_Y] = drive[i, HELD_Y] * np.cos(yaw)
    else:
        along(drive, car, i, dt)
        slide = np.hypot(drive[i, SLIDE_X], drive[i, SLIDE_Y])
        if slide > 0.0:
            left = max(slide - SLIDING * car[i, FRICTION] * EARTH * dt, 0.0) / slide
            drive[i, SLIDE_X] *= left
            drive[i, SLIDE_Y] *= left
    speed = drive[i, FORWARD]
    curve = sampled(car, i, STEERING_CURVE, CURVE_POINTS, abs(speed) * 3.6 / CURVE_STEP_KMH)
    angle = min(max(drive[i, STEER], -1.0), 1.0) * car[i, LOCK] * curve
    slip = np.arctan(car[i, TO_REAR] / car[i, WHEELBASE] * np.tan(angle))
    rate = speed * np.cos(slip) * np.tan(angle) / car[i, WHEELBASE]
    rate += speed * UNEVEN * np.sin(WAVE_X * pose[i, X] + WAVE_Y * pose[i, Y])
    most = car[i, FRICTION] * EARTH
    if abs(rate * speed) > most:
        rate = np.sign(rate) * most / abs(speed)
        slip = np.arcsin(min(max(rate * car[i, TO_REAR] / speed, -1.0), 1.0))
    turning = rate + np.deg2rad(drive[i, TURN])
    drive[i, TURN] *= max(1.0 - 3.0 * dt, 0.0)
    heading = yaw + slip
    velocity[i, 0] = speed * np.cos(heading) + drive[i, SLIDE_X]
    velocity[i, 1] = speed * np.sin(heading) + drive[i, SLIDE_Y]
    drive[i, ROLLED] += speed * dt
    pose[i, X] += velocity[i, 0] * dt
    pose[i, Y] += velocity[i, 1] * dt
    pose[i, YAW] = (pose[i, YAW] + np.rad2deg(turning * dt) + 180.0) % 360.0 - 180.0
    spin[i, 0], spin[i, 1], spin[i, 2] = 0.0, 0.0, np.rad2deg(turning)


@part
def fall(pose: Matrix, velocity: Matrix, drive: Matrix, flags: FlagMatrix, i: int, ground: float, dt: float) -> None:
    """Up and down: onto the ground, along it, or down for ever below it."""
    height = pose[i, Z] - ground
    if height < -UNDER_GROUND_M or height > ONTO_GROUND_M or drive[i, FALL] > 0.0:
        if flags[i, GRAVITY]:
            drive[i, FALL] -= EARTH * dt
        pose[i, Z] += drive[i, FALL] * dt
        velocity[i, 2] = drive[i, FALL]
        if height > 0.0 and pose[i, Z] <= ground:
            pose[i, Z], drive[i, FALL] = ground, 0.0
    else:
        velocity[i, 2] = (ground - pose[i, Z]) / dt
        pose[i, Z], drive[i, FALL] = ground, 0.0


@kernel
def move_bodies(bodies: Bodies, grid: HeightGrid, dt: float) -> None:
    """All vehicles and walkers by ``dt`` s: their pose, velocity, spin and acceleration are changed."""
    pose, velocity, spin, acceleration = bodies.pose, bodies.velocity, bodies.spin, bodies.acceleration
    box, kinds, flags, drive, car = bodies.box, bodies.kinds, bodies.flags, bodies.drive, bodies.car
    steps = max(int(np.ceil(dt / LONGEST_STEP_S - 1e-9)), 1)
    short = dt / steps
    level = grid.heights.shape[0] == 1 and grid.heights.shape[1] == 1
    for i in range(len(kinds)):
        if kinds[i] > WALKER or not flags[i, PHYSICS]:
            if kinds[i] <= WALKER:
                for k in range(3):
                    velocity[i, k], spin[i, k], acceleration[i, k] = 0.0, 0.0, 0.0
                drive[i, FORWARD], drive[i, SLIDE_X], drive[i, SLIDE_Y], drive[i, FALL] = 0.0, 0.0, 0.0, 0.0
            continue
        before_x, before_y, before_z = velocity[i, 0], velocity[i, 1], velocity[i, 2]
        if kinds[i] == VEHICLE:
            drive[i, SLIDE_X] += drive[i, FORCE_X] / car[i, MASS] * dt
            drive[i, SLIDE_Y] += drive[i, FORCE_Y] / car[i, MASS] * dt
            drive[i, FALL] += drive[i, FORCE_Z] / car[i, MASS] * dt
            for _ in range(steps):
                move_vehicle(pose, velocity, spin, drive, car, i, short)
                ground = height_at(pose[i, X], pose[i, Y], grid)
                fall(pose, velocity, drive, flags, i, ground, short)
            if not level:
                yaw, half = np.deg2rad(pose[i, YAW]), 0.5 * car[i, WHEELBASE]
                ahead = height_at(pose[i, X] + half * np.cos(yaw), pose[i, Y] + half * np.sin(yaw), grid)
                behind = height_at(pose[i, X] - half * np.cos(yaw), pose[i, Y] - half * np.sin(yaw), grid)
                pose[i, PITCH] = np.rad2deg(np.arctan2(ahead - behind, 2.0 * half))
            if drive[i, HELD] > 0.0 and drive[i, HELD_Z] != 0.0:
                pose[i, Z] += drive[i, HELD_Z] * dt
                velocity[i, 2] = drive[i, HELD_Z]
        else:
            size = max(np.hypot(drive[i, WALK_X], drive[i, WALK_Y]), 1e-9)
            speed = drive[i, WALK_SPEED] if size > 1e-6 else 0.0
            velocity[i, 0], velocity[i, 1] = drive[i, WALK_X] / size * speed, drive[i, WALK_Y] / size * speed
            spin[i, 0], spin[i, 1], spin[i, 2] = 0.0, 0.0, 0.0
            if speed > 0.0:
                turned = np.rad2deg(np.arctan2(drive[i, WALK_Y], drive[i, WALK_X]))
                spin[i, 2] = ((turned - pose[i, YAW] + 180.0) % 360.0 - 180.0) / dt
                pose[i, YAW] = turned
            pose[i, X] += velocity[i, 0] * dt
            pose[i, Y] += velocity[i, 1] * dt
            ground = height_at(pose[i, X], pose[i, Y], grid) + box[i, HALF_Z] - box[i, BOX_Z]
            for _ in range(steps):
                fall(pose, velocity, drive, flags, i, ground, short)
        drive[i, FORCE_X], drive[i, FORCE_Y], drive[i, FORCE_Z] = 0.0, 0.0, 0.0
        acceleration[i, 0] = (velocity[i, 0] - before_x) / dt
        acceleration[i, 1] = (velocity[i, 1] - before_y) / dt
        acceleration[i, 2] = (velocity[i, 2] - before_z) / dt
