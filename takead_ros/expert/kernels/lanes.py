"""Kernel of the lanes: what follows what, and every lane continued over its straightest successors."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Indices, Matrix, Vector, kernel, part

REACH = 110.0  # m that a lane is continued over its successors
JOINT = 1.5  # m between the end of a lane and the start of what follows
BEND = 0.6  # rad at the joint


@part
def _wrapped(angle: float) -> float:
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


@part
def _joints(points: Matrix, starts: Indices) -> tuple[Indices, Indices, Vector]:
    """(first (L + 1,), after (J,), turn (J,) rad): lanes ``after[first[i]:first[i + 1]]`` may follow lane i.

    ``turn``: between the ends of the two lanes.
    """
    lanes = len(starts) - 1
    begins, ends = np.empty(lanes), np.empty(lanes)
    for i in range(lanes):
        a, b = starts[i], starts[i + 1] - 1
        begins[i] = np.arctan2(points[a + 1, 1] - points[a, 1], points[a + 1, 0] - points[a, 0])
        ends[i] = np.arctan2(points[b, 1] - points[b - 1, 1], points[b, 0] - points[b - 1, 0])
    first = np.zeros(lanes + 1, dtype=np.int64)
    after, turn = np.empty(8 * lanes, dtype=np.int64), np.empty(8 * lanes)
    count = 0
    for i in range(lanes):
        b = starts[i + 1] - 1
        for j in range(lanes):
            a = starts[j]
            meets = abs(points[a, 0] - points[b, 0]) <= JOINT and abs(points[a, 1] - points[b, 1]) <= JOINT
            if meets and abs(_wrapped(begins[j] - ends[i])) <= BEND:
                if count == len(after):
                    after, turn = np.append(after, after), np.append(turn, turn)
                after[count], turn[count] = j, abs(_wrapped(ends[j] - ends[i]))
                count += 1
        first[i + 1] = count
    return first, after[:count], turn[:count]


@kernel
def continued(points: Matrix, starts: Indices) -> tuple[Vector, Vector, Vector, Vector, Indices, Indices]:
    """(x, y, yaw, arc, end, own) of ``arrays.LaneGraph``: lane i is ``points[starts[i]:starts[i + 1]]`` (>= 2, 2) m.

    Each lane is followed, end to end, by the straightest lanes after it, up to REACH m beyond its end.
    """
    lanes = len(starts) - 1
    first, after, turn = _joints(points, starts)
    length = np.zeros(lanes)
    for i in range(lanes):
        for k in range(starts[i], starts[i + 1] - 1):
            length[i] += np.hypot(points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1])

    order, sizes = np.empty(4 * lanes, dtype=np.int64), np.zeros(lanes, dtype=np.int64)  # the lanes of all chains
    chains = np.zeros(lanes + 1, dtype=np.int64)
    count = 0
    for i in range(lanes):
        begin, last, beyond = count, i, 0.0
        while last >= 0:
            if count == len(order):
                order = np.append(order, order)
            order[count] = last
            more = starts[last + 1] - starts[last]
            sizes[i] += more - 1 if count > begin and more > 2 else more  # where lanes meet they share a point
            count += 1
            following, least = -1, np.inf
            if beyond < REACH:
                for k in range(first[last], first[last + 1]):
                    known = False
                    for m in range(begin, count):
                        known |= order[m] == after[k]
                    if not known and turn[k] < least:
                        following, least = after[k], turn[k]
                if following >= 0:
                    beyond += length[following]
            last = following
        chains[i + 1] = count

    total = 0
    for i in range(lanes):
        total += sizes[i]
    x, y, yaw, arc = np.empty(total), np.empty(total), np.empty(total), np.zeros(total)
    end, own = np.empty(total, dtype=np.int64), np.empty(starts[lanes], dtype=np.int64)
    q, mine = 0, 0
    for i in range(lanes):
        begin = q
        for m in range(chains[i], chains[i + 1]):
            a, b = starts[order[m]], starts[order[m] + 1]
            for k in range(a + 1 if m > chains[i] and b - a > 2 else a, b):
                x[q], y[q] = points[k, 0], points[k, 1]
                q += 1
        for k in range(starts[i + 1] - starts[i]):
            own[mine] = begin + k
            mine += 1
        for k in range(begin, q):
            end[k] = q - 1
            ahead = min(k + 1, q - 1)
            dx, dy = x[ahead] - x[ahead - 1], y[ahead] - y[ahead - 1]
            yaw[k] = np.arctan2(dy, dx)
            if k + 1 < total:  # from one lane's end to the next lane's start, the arc grows by some metres
                arc[k + 1] = arc[k] + np.hypot(dx, dy)
    return x, y, yaw, arc, end, own
