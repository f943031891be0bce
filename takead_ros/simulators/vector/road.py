"""The ego on the road: how far along its route, and how far beyond every lane."""

from __future__ import annotations

import math

from takead_ros.compiled import part
from takead_ros.domain.navigation import SEARCH
from takead_ros.maps.lanemap import SPACING
from takead_ros.simulators.vector.arrays import Layout, State
from takead_ros.simulators.vector.ego import SingleTrack

HALF_SPACING2 = (SPACING / 2.0) ** 2  # m^2: between two samples of a lane the true distance is up to half a metre less


@part
def update_navigation(layout: Layout, state: State, e: int) -> float:
    """``domain.navigation.Navigation.update``; returns the square of the ego's distance from the path there."""
    arc, px, py, n = layout.route_arc[e], layout.route_x[e], layout.route_y[e], layout.route_count[e]
    nav, x, y, yaw = state.navigation[e], state.ego[e, 0], state.ego[e, 1], state.ego[e, 2]
    low, high = 0, n  # searchsorted(arc, s), left
    while low < high:
        middle = (low + high) // 2
        if arc[middle] < nav[0]:
            low = middle + 1
        else:
            high = middle
    first, last = max(low - SEARCH, 0), min(low + SEARCH, n)
    best, at, share_at = math.inf, first, 0.0
    for i in range(first, last - 1):
        sx, sy, ox, oy = px[i + 1] - px[i], py[i + 1] - py[i], x - px[i], y - py[i]
        share = min(max((ox * sx + oy * sy) / (sx * sx + sy * sy), 0.0), 1.0)
        square = (ox - share * sx) ** 2 + (oy - share * sy) ** 2
        if square < best:
            best, at, share_at = square, i, share
    sx, sy, ox, oy = px[at + 1] - px[at], py[at + 1] - py[at], x - px[at], y - py[at]
    length = math.sqrt(sx * sx + sy * sy)
    nav[0] = arc[at] + share_at * length
    nav[1] = (sx * oy - sy * ox) / length
    heading = layout.route_yaw[e, at] + share_at * (layout.route_yaw[e, at + 1] - layout.route_yaw[e, at])
    error = yaw - heading + math.pi
    nav[2] = error - 2.0 * math.pi * math.floor(error / (2.0 * math.pi)) - math.pi
    nav[3] = max(nav[3], nav[0])
    for k in range(layout.limit_count[e]):
        if nav[0] >= layout.limit_from[e, k]:
            nav[4] = layout.limit_speed[e, k]
    return best


@part
def beyond_lanes(layout: Layout, state: State, e: int, vehicle: SingleTrack) -> float:
    """m by which the ego's outermost corner lies beyond every lane (``maps.lanemap.LaneMap.beyond``)."""
    ego, worst, n = state.ego[e], 0.0, layout.lane_count[e]
    cos, sin = math.cos(ego[2]), math.sin(ego[2])
    lx, ly, half = layout.lane_x[e], layout.lane_y[e], layout.lane_half[e]
    for corner in range(4):
        along = 0.5 * vehicle.length * (1.0 if corner == 0 or corner == 3 else -1.0)
        across = 0.5 * vehicle.width * (1.0 if corner < 2 else -1.0)
        x, y = ego[0] + cos * along - sin * across, ego[1] + sin * along + cos * across
        best, at = math.inf, state.hint[e, corner]
        # on the road, where it is most often, a corner is near where it was last
        for k in range(max(at - 4, 0), min(at + 5, n)):
            square = max((lx[k] - x) ** 2 + (ly[k] - y) ** 2 - HALF_SPACING2, 0.0)
            if square <= half[k] * half[k]:
                best, at = 0.0, k
                break
        if best > 0.0:
            for k in range(n):
                dx, dy = lx[k] - x, ly[k] - y
                if abs(dx) > half[k] + best or abs(dy) > half[k] + best:
                    continue
                apart = math.sqrt(max(dx * dx + dy * dy - HALF_SPACING2, 0.0)) - half[k]
                if apart < best:
                    best, at = apart, k
                    if best <= 0.0:
                        break
        state.hint[e, corner] = at
        worst = max(worst, best)
    return worst
