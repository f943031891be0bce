"""Who touches whom, and what it does to them; which lights and signs concern which vehicle. Kernels over all rows."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import FlagMatrix, IndexMatrix, Indices, Matrix, kernel, part
from takead_ros.simulators.carla_server.array_columns import (
    AT_LIGHT,
    BOX_X,
    BOX_Y,
    BOX_Z,
    COLLIDES,
    FORWARD,
    HALF_X,
    HALF_Y,
    HALF_Z,
    LIGHT,
    LIGHT_ROW,
    LIMIT,
    MASS,
    PHYSICS,
    SLIDE_X,
    SLIDE_Y,
    VOLUME_A,
    VOLUME_B,
    VOLUME_C,
    VOLUME_COS,
    VOLUME_KIND,
    VOLUME_SIN,
    VOLUME_VALUE,
    VOLUME_X,
    VOLUME_Y,
    VOLUME_Z,
    YAW,
    X,
    Y,
    Z,
)
from takead_ros.simulators.carla_server.kernel_arrays import Bodies

VEHICLE, WALKER, PROP = 0, 1, 2
WALKER_KG = 75.0
BOUNCE = 0.1
GREEN = 2.0


@part
def separation(pose: Matrix, box: Matrix, i: int, j: int) -> tuple[float, float, float]:
    """How deep two boxes overlap on the plane (m, 0: not at all) and the direction from i to j out of it."""
    yaw_i, yaw_j = np.deg2rad(pose[i, YAW]), np.deg2rad(pose[j, YAW])
    ci, si, cj, sj = np.cos(yaw_i), np.sin(yaw_i), np.cos(yaw_j), np.sin(yaw_j)
    dx = pose[j, X] + cj * box[j, BOX_X] - sj * box[j, BOX_Y] - pose[i, X] - ci * box[i, BOX_X] + si * box[i, BOX_Y]
    dy = pose[j, Y] + sj * box[j, BOX_X] + cj * box[j, BOX_Y] - pose[i, Y] - si * box[i, BOX_X] - ci * box[i, BOX_Y]
    depth, normal_x, normal_y = np.inf, 0.0, 0.0
    for k in range(4):
        ax = ci if k == 0 else -si if k == 1 else cj if k == 2 else -sj
        ay = si if k == 0 else ci if k == 1 else sj if k == 2 else cj
        reach_i = box[i, HALF_X] * abs(ax * ci + ay * si) + box[i, HALF_Y] * abs(ay * ci - ax * si)
        reach_j = box[j, HALF_X] * abs(ax * cj + ay * sj) + box[j, HALF_Y] * abs(ay * cj - ax * sj)
        apart = dx * ax + dy * ay
        overlap = reach_i + reach_j - abs(apart)
        if overlap <= 0.0:
            return 0.0, 0.0, 0.0
        if overlap < depth:
            sign = 1.0 if apart >= 0.0 else -1.0
            depth, normal_x, normal_y = overlap, sign * ax, sign * ay
    return depth, normal_x, normal_y


@part
def touching(pose: Matrix, box: Matrix, i: int, j: int) -> tuple[float, float, float]:
    """``separation``, 0 where they are not at the same height or clearly apart."""
    reach = np.hypot(box[i, HALF_X] + abs(box[i, BOX_X]), box[i, HALF_Y] + abs(box[i, BOX_Y])) + np.hypot(
        box[j, HALF_X] + abs(box[j, BOX_X]), box[j, HALF_Y] + abs(box[j, BOX_Y])
    )
    if np.hypot(pose[i, X] - pose[j, X], pose[i, Y] - pose[j, Y]) > reach:
        return 0.0, 0.0, 0.0
    gap = abs(pose[i, Z] + box[i, BOX_Z] - pose[j, Z] - box[j, BOX_Z]) - box[i, HALF_Z] - box[j, HALF_Z]
    if gap > 0.0:
        return 0.0, 0.0, 0.0
    return separation(pose, box, i, j)


@kernel
def overlapping(pose: Matrix, box: Matrix, kinds: Indices, flags: FlagMatrix, row: int) -> int:
    """The first row whose box touches that of ``row``, -1 where there is none."""
    for j in range(len(kinds)):
        if j != row and kinds[j] <= PROP and flags[j, COLLIDES]:
            depth, _, _ = touching(pose, box, row, j)
            if depth > 0.0:
                return j
    return -1


@part
def hit(drive: Matrix, velocity: Matrix, pose: Matrix, kinds: Indices, i: int, dx: float, dy: float) -> None:
    """Add (dx, dy) m/s to what row i does."""
    velocity[i, 0] += dx
    velocity[i, 1] += dy
    if kinds[i] == VEHICLE:
        yaw = np.deg2rad(pose[i, YAW])
        ahead = dx * np.cos(yaw) + dy * np.sin(yaw)
        drive[i, FORWARD] += ahead
        drive[i, SLIDE_X] += dx - ahead * np.cos(yaw)
        drive[i, SLIDE_Y] += dy - ahead * np.sin(yaw)


@part
def inverse_mass(kinds: Indices, flags: FlagMatrix, car: Matrix, i: int) -> float:
    """1/kg; 0 for what nothing moves."""
    if kinds[i] == PROP or not flags[i, PHYSICS]:
        return 0.0
    return 1.0 / (WALKER_KG if kinds[i] == WALKER else car[i, MASS])


@kernel
def collide(bodies: Bodies, pairs: IndexMatrix, impulses: Matrix) -> int:
    """Push apart whatever overlaps, with an inelastic impulse where they approach. Rows of each pair and the impulse
    (N s, world, on the first) go to ``pairs`` (M, 2) and ``impulses`` (M, 3); returns how many there were."""
    pose, velocity, box, kinds = bodies.pose, bodies.velocity, bodies.box, bodies.kinds
    flags, drive, car = bodies.flags, bodies.drive, bodies.car
    count = len(kinds)
    low, high = np.empty(count), np.empty(count)
    for i in range(count):
        reach = np.hypot(box[i, HALF_X] + abs(box[i, BOX_X]), box[i, HALF_Y] + abs(box[i, BOX_Y]))
        low[i], high[i] = pose[i, X] - reach, pose[i, X] + reach
    order = np.argsort(low)
    found = 0
    for a in range(count):
        i = order[a]
        if kinds[i] > PROP or not flags[i, COLLIDES]:
            continue
        for b in range(a + 1, count):
            j = order[b]
            if low[j] > high[i]:
                break
            if kinds[j] > PROP or not flags[j, COLLIDES] or found >= len(pairs):
                continue
            light_i, light_j = inverse_mass(kinds, flags, car, i), inverse_mass(kinds, flags, car, j)
            if light_i + light_j == 0.0:
                continue
            depth, nx, ny = touching(pose, box, i, j)
            if depth <= 0.0:
                continue
            closing = (velocity[i, 0] - velocity[j, 0]) * nx + (velocity[i, 1] - velocity[j, 1]) * ny
            push = max((1.0 + BOUNCE) * closing, 0.0) / (light_i + light_j)
            hit(drive, velocity, pose, kinds, i, -push * light_i * nx, -push * light_i * ny)
            hit(drive, velocity, pose, kinds, j, push * light_j * nx, push * light_j * ny)
            share = light_i / (light_i + light_j)
            pose[i, X] -= share * depth * nx
            pose[i, Y] -= share * depth * ny
            pose[j, X] += (1.0 - share) * depth * nx
            pose[j, Y] += (1.0 - share) * depth * ny
            pairs[found, 0], pairs[found, 1] = i, j
            impulses[found, 0], impulses[found, 1], impulses[found, 2] = -push * nx, -push * ny, 0.0
            found += 1
    return found


@kernel
def look_at_signals(pose: Matrix, box: Matrix, kinds: Indices, drive: Matrix, volumes: Matrix, states: Indices) -> None:
    """For each vehicle the light whose volume its middle or front is in, and the limit of the last sign it passed.

    volumes (B, 10): array_columns.py; states (N,): the state of each light by its row.
    """
    for i in range(len(kinds)):
        if kinds[i] != VEHICLE:
            continue
        yaw = np.deg2rad(pose[i, YAW])
        drive[i, AT_LIGHT], drive[i, LIGHT], drive[i, LIGHT_ROW] = 0.0, GREEN, -1.0
        for b in range(len(volumes)):
            dx, dy = pose[i, X] - volumes[b, VOLUME_X], pose[i, Y] - volumes[b, VOLUME_Y]
            reach = volumes[b, VOLUME_A] + volumes[b, VOLUME_B] + box[i, HALF_X]
            if (
                abs(dx) > reach
                or abs(dy) > reach
                or abs(pose[i, Z] + 0.5 - volumes[b, VOLUME_Z]) > volumes[b, VOLUME_C] + 0.5
            ):
                continue
            inside = False
            for k in range(3):
                px, py = dx + 0.5 * k * box[i, HALF_X] * np.cos(yaw), dy + 0.5 * k * box[i, HALF_X] * np.sin(yaw)
                a = px * volumes[b, VOLUME_COS] + py * volumes[b, VOLUME_SIN]
                c = -px * volumes[b, VOLUME_SIN] + py * volumes[b, VOLUME_COS]
                inside = inside or (abs(a) <= volumes[b, VOLUME_A] and abs(c) <= volumes[b, VOLUME_B])
            # the volume's second axis runs against the lane: only those who drive along it are concerned
            with_lane = np.cos(yaw) * volumes[b, VOLUME_SIN] - np.sin(yaw) * volumes[b, VOLUME_COS]
            if not inside or with_lane < 0.5:
                continue
            if volumes[b, VOLUME_KIND] > 0.0:
                drive[i, LIMIT] = volumes[b, VOLUME_VALUE]
            else:
                row = int(volumes[b, VOLUME_VALUE])
                drive[i, AT_LIGHT], drive[i, LIGHT], drive[i, LIGHT_ROW] = 1.0, float(states[row]), float(row)
