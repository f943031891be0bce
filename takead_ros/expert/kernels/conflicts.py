"""Kernels of the scores: how close boxes come, what each proposal touches, and what it is worth."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Matrix, Vector, kernel, part
from takead_ros.domain.kernels import Box, box_gap
from takead_ros.expert.arrays import Attention, Boxes, Conflicts, Ego, PathLayout, Proposals, Stops

PROGRESS, MARGIN, COMFORT = 5.0, 7.0, 2.0  # weights
IN_THE_WAY = 0.6  # weight of standing where crossing traffic wants to go, against 1 for moving there
BLOCKS = 0.2  # for coming to a stand beyond the place to wait at
LEAVES = 0.03  # for leaving the route's centre
HARD = 2.5  # m/s^2; braking harder is uncomfortable
HARSH_STEPS = 4  # of the roll-out, 2 s, in which that counts
TOUCH = 0.15  # m closer than this counts as a collision
MOVES = 0.3  # m/s


@part
def _directions(yaw: Matrix) -> tuple[Matrix, Matrix]:
    """(cos, sin) (M, T) of headings (M, T) rad, computed once where a heading stays as it was."""
    cos, sin = np.empty(yaw.shape), np.empty(yaw.shape)
    for m in range(yaw.shape[0]):
        for t in range(yaw.shape[1]):
            if t and yaw[m, t] == yaw[m, t - 1]:
                cos[m, t], sin[m, t] = cos[m, t - 1], sin[m, t - 1]
            else:
                cos[m, t], sin[m, t] = np.cos(yaw[m, t]), np.sin(yaw[m, t])
    return cos, sin


@kernel
def conflicts(
    proposals: Proposals, ego: Ego, boxes: Boxes, room: Vector, minded: Attention, times: Vector
) -> Conflicts:
    """What each proposal meets.

    room (N,) m: wanted beside each actor; who crosses also uses it up at the poses where he would be if he was earlier
    or later. times (T,) s.
    """
    count, steps = proposals.x.shape
    others, shifts = len(room), minded.x.shape[1]
    cos, sin = _directions(proposals.yaw)
    other_cos, other_sin = _directions(boxes.yaw)
    cross_cos, cross_sin = _directions(minded.yaw.reshape((-1, steps)))
    which = np.full(others, -1)
    for m in range(len(minded.rows)):
        which[minded.rows[m]] = m
    first, impact = np.full(count, np.inf), np.zeros(count)
    nearness, worst = np.zeros(count), np.full(count, -1)
    a, b = 0.5 * ego.length, 0.5 * ego.width
    circle = np.sqrt(a * a + b * b)
    for k in range(count):
        hit, close = -1, -1
        for n in range(others):
            if minded.ignored[n]:
                continue
            m, c, d = which[n], 0.5 * boxes.length[n], 0.5 * boxes.width[n]
            # A gap is at least the centres' distance over sqrt(2) less both circumradii.
            far = 2.0 * (circle + np.sqrt(c * c + d * d) + max(room[n], TOUCH)) ** 2
            for t in range(steps):
                moving, crosses = proposals.speed[k, t] > MOVES, m >= 0 and minded.when[m, t]
                if not moving and not crosses:
                    continue
                gap = np.inf
                dx, dy = boxes.x[n, t] - proposals.x[k, t], boxes.y[n, t] - proposals.y[k, t]
                if dx * dx + dy * dy < far:
                    own = Box(proposals.x[k, t], proposals.y[k, t], cos[k, t], sin[k, t], a, b)
                    gap = box_gap(own, Box(boxes.x[n, t], boxes.y[n, t], other_cos[n, t], other_sin[n, t], c, d))
                    if gap < TOUCH and moving and times[t] < first[k]:
                        first[k], impact[k], hit = times[t], proposals.speed[k, t], n
                if crosses:
                    for h in range(shifts):
                        dx, dy = minded.x[m, h, t] - proposals.x[k, t], minded.y[m, h, t] - proposals.y[k, t]
                        if dx * dx + dy * dy < far:
                            own = Box(proposals.x[k, t], proposals.y[k, t], cos[k, t], sin[k, t], a, b)
                            turned = cross_cos[m * shifts + h, t], cross_sin[m * shifts + h, t]
                            there = Box(minded.x[m, h, t], minded.y[m, h, t], turned[0], turned[1], c, d)
                            gap = min(gap, box_gap(own, there))
                if gap < room[n]:
                    used = min((room[n] - gap) / room[n], 1.0) * (1.0 - times[t] / 10.0)
                    if not moving:
                        used *= IN_THE_WAY
                    if used > nearness[k]:
                        nearness[k], close = used, n
        if hit >= 0:
            worst[k] = hit
        elif nearness[k] > 0.1:
            worst[k] = close
    return Conflicts(first, impact, nearness, worst)


@kernel
def grade(found: Conflicts, proposals: Proposals, layout: PathLayout, stops: Stops, hardest: float, ego: Ego) -> Vector:
    """Scores (K,) of the proposals: gates (collision, road, rules) times weighted terms.

    hardest m/s^2: braking in an emergency.
    """
    offset, target, band, behind = layout.offset, layout.target, layout.band, layout.behind
    paces = len(found.first) // len(target)
    first, reach = found.first, proposals.along[:, -1]
    count = len(first)
    total = np.empty(count)
    far = 5.0
    for k in range(count):
        if first[k] == np.inf:
            far = max(far, reach[k])
    edge, front = 0.5 * ego.width, 0.5 * ego.length
    wall = stops.wall - front
    for k in range(count):
        path = k // paces
        collides = first[k] < np.inf
        gate = 0.5 * min(max((first[k] - 2.0) / 6.0, 0.0), 1.0) if collides else 1.0
        if len(band.right) and path > 0:  # the route itself is meant to be driven
            for i in range(offset.shape[1]):
                if not reach[k] > i:
                    break
                if offset[path, i] + edge > band.left[behind + i] or offset[path, i] - edge < band.right[behind + i]:
                    gate *= 0.1
                    break
        if reach[k] > wall + 0.5 and wall > -1.0:
            gate *= 0.2
        progress = min(max(reach[k] / far, 0.0), 1.0)
        harsh = 0.0
        for i in range(HARSH_STEPS):
            harsh = max(harsh, (-proposals.acceleration[k, i] - HARD) / (hardest - HARD))
        comfort = 1.0 - min(harsh, 1.0)
        score = gate * (PROGRESS * progress + MARGIN * (1.0 - found.nearness[k]) + COMFORT * comfort)
        score /= PROGRESS + MARGIN + COMFORT
        if collides:
            score -= 0.02 * found.impact[k]
        if proposals.speed[k, -1] < 0.5 and reach[k] + front > stops.yielding[path] + 0.5:
            score -= BLOCKS
        if target[path] != 0.0:
            score -= LEAVES
        total[k] = score
    return total
