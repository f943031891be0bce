"""Kernels of the scores: how close boxes come, what each proposal touches, and what it is worth."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Cube, FlagMatrix, Flags, Indices, Matrix, Vector, kernel, part

PROGRESS, MARGIN, COMFORT = 5.0, 7.0, 2.0  # weights
IN_THE_WAY = 0.6  # weight of standing where crossing traffic wants to go, against 1 for moving there
BLOCKS = 0.2  # for coming to a stand beyond the place to wait at
LEAVES = 0.03  # for leaving the route's centre
HARD = 2.5  # m/s^2; braking harder is uncomfortable
HARSH_STEPS = 4  # of the roll-out, 2 s, in which that counts
TOUCH = 0.15  # m closer than this counts as a collision
MOVES = 0.3  # m/s


@part
def box_gap(
    dx: float, dy: float, cos: float, sin: float, a: float, b: float,
    other_cos: float, other_sin: float, c: float, d: float,
) -> float:  # fmt: skip
    """Signed gap m of two boxes: the largest over the four separating axes, see ``separations``.

    dx dy m: from the first centre to the second; a b and c d m: half the length and width of each.
    """
    across = abs(other_sin * cos - other_cos * sin)
    with_it = abs(other_cos * cos + other_sin * sin)
    gap = abs(cos * dx + sin * dy) - a - c * with_it - d * across
    gap = max(gap, abs(cos * dy - sin * dx) - b - c * across - d * with_it)
    gap = max(gap, abs(other_cos * dx + other_sin * dy) - c - a * with_it - b * across)
    return max(gap, abs(other_cos * dy - other_sin * dx) - d - a * across - b * with_it)


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
def separations(
    x: Matrix, y: Matrix, yaw: Matrix, length: float, width: float,
    other_x: Matrix, other_y: Matrix, other_yaw: Matrix, other_length: Vector, other_width: Vector,
) -> Cube:  # fmt: skip
    """Signed gap m between the ego's box at (K, T) poses and boxes (N,) at (N, T) poses, as (K, N, T).

    The largest gap over the four separating axes: negative where the boxes overlap, else at most their distance.
    """
    count, times = x.shape
    gaps = np.empty((count, len(other_length), times))
    for k in range(count):
        for n in range(len(other_length)):
            for t in range(times):
                gaps[k, n, t] = box_gap(
                    other_x[n, t] - x[k, t], other_y[n, t] - y[k, t], np.cos(yaw[k, t]), np.sin(yaw[k, t]),
                    0.5 * length, 0.5 * width, np.cos(other_yaw[n, t]), np.sin(other_yaw[n, t]),
                    0.5 * other_length[n], 0.5 * other_width[n],
                )  # fmt: skip
    return gaps


@kernel
def conflicts(
    x: Matrix, y: Matrix, yaw: Matrix, v: Matrix, length: float, width: float,
    other_x: Matrix, other_y: Matrix, other_yaw: Matrix, other_length: Vector, other_width: Vector,
    room: Vector, ignore: Flags, crossing: Indices, when: FlagMatrix,
    cross_x: Cube, cross_y: Cube, cross_yaw: Cube, times: Vector,
) -> tuple[Vector, Vector, Vector, Indices]:  # fmt: skip
    """What each proposal meets: (first (K,) s, impact (K,) m/s, nearness (K,) 0..1, worst (K,)).

    first: when it touches somebody, inf for never, and the ego's speed then; nearness: the largest share of ``room``
    (N,) m that is used up, less if later or while standing; worst: the actor that spoils it most, -1 for none.
    Proposals are poses x y yaw and speeds v (K, T) at ``times`` (T,) s; ``length`` and ``width`` m are the ego's.
    Others are at (N, T) poses; those in ``ignore`` (N,) bool count for nothing. The actors ``crossing`` (M,), where
    ``when`` (M, T) is true, also use room up at the poses cross_x cross_y cross_yaw (M, H, T), as if they were earlier
    or later.
    """
    count, steps = x.shape
    others, shifts = len(room), cross_x.shape[1]
    cos, sin = _directions(yaw)
    other_cos, other_sin = _directions(other_yaw)
    cross_cos, cross_sin = _directions(cross_yaw.reshape((-1, steps)))
    which = np.full(others, -1)
    for m in range(len(crossing)):
        which[crossing[m]] = m
    first, impact = np.full(count, np.inf), np.zeros(count)
    nearness, worst = np.zeros(count), np.full(count, -1)
    a, b = 0.5 * length, 0.5 * width
    own = np.sqrt(a * a + b * b)
    for k in range(count):
        hit, close = -1, -1
        for n in range(others):
            if ignore[n]:
                continue
            m, c, d = which[n], 0.5 * other_length[n], 0.5 * other_width[n]
            # A gap is at least the centres' distance over sqrt(2) less both circumradii.
            far = 2.0 * (own + np.sqrt(c * c + d * d) + max(room[n], TOUCH)) ** 2
            for t in range(steps):
                moving, crosses = v[k, t] > MOVES, m >= 0 and when[m, t]
                if not moving and not crosses:
                    continue
                gap = np.inf
                dx, dy = other_x[n, t] - x[k, t], other_y[n, t] - y[k, t]
                if dx * dx + dy * dy < far:
                    gap = box_gap(dx, dy, cos[k, t], sin[k, t], a, b, other_cos[n, t], other_sin[n, t], c, d)
                    if gap < TOUCH and moving and times[t] < first[k]:
                        first[k], impact[k], hit = times[t], v[k, t], n
                if crosses:
                    for h in range(shifts):
                        dx, dy = cross_x[m, h, t] - x[k, t], cross_y[m, h, t] - y[k, t]
                        if dx * dx + dy * dy < far:
                            i = m * shifts + h
                            beside = box_gap(dx, dy, cos[k, t], sin[k, t], a, b, cross_cos[i, t], cross_sin[i, t], c, d)
                            gap = min(gap, beside)
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
    return first, impact, nearness, worst


@kernel
def grade(
    first: Vector, impact: Vector, nearness: Vector, reach: Vector, end_speed: Vector,
    acceleration: Matrix, paces: int, offset: Matrix, target: Vector, right: Vector, left: Vector,
    yield_wall: Vector, wall: float, length: float, width: float, hardest: float,
) -> Vector:  # fmt: skip
    """Scores (K,) of the proposals, ``paces`` on each path: gates (collision, road, rules) times weighted terms.

    first impact nearness (K,) of ``conflicts``; reach m and end_speed m/s (K,): where and how fast each one ends;
    acceleration (K, S) m/s^2; offset (L, G) and target (L,) m: the paths beside the route; right left (G,) m: the
    road's edges, of length 0 where no path leaves the route; yield_wall (L,) m for the ego's front; wall m for its
    centre; length width m: the ego's; hardest m/s^2: braking in an emergency.
    """
    count = len(first)
    total = np.empty(count)
    far = 5.0
    for k in range(count):
        if first[k] == np.inf:
            far = max(far, reach[k])
    edge, front = 0.5 * width, 0.5 * length
    for k in range(count):
        path = k // paces
        collides = first[k] < np.inf
        gate = 0.5 * min(max((first[k] - 2.0) / 6.0, 0.0), 1.0) if collides else 1.0
        if len(right) and path > 0:  # the route itself is meant to be driven
            for i in range(offset.shape[1]):
                if not reach[k] > i:
                    break
                if offset[path, i] + edge > left[i] or offset[path, i] - edge < right[i]:
                    gate *= 0.1
                    break
        if reach[k] > wall + 0.5 and wall > -1.0:
            gate *= 0.2
        progress = min(max(reach[k] / far, 0.0), 1.0)
        harsh = 0.0
        for i in range(HARSH_STEPS):
            harsh = max(harsh, (-acceleration[k, i] - HARD) / (hardest - HARD))
        comfort = 1.0 - min(harsh, 1.0)
        score = gate * (PROGRESS * progress + MARGIN * (1.0 - nearness[k]) + COMFORT * comfort)
        score /= PROGRESS + MARGIN + COMFORT
        if collides:
            score -= 0.02 * impact[k]
        if end_speed[k] < 0.5 and reach[k] + front > yield_wall[path] + 0.5:
            score -= BLOCKS
        if target[path] != 0.0:
            score -= LEAVES
        total[k] = score
    return total
