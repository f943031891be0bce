"""The bodies of one environment: who takes up which place, who is kept out of whom, and who touches whom."""

from __future__ import annotations

import math

from takead_ros.compiled import part
from takead_ros.domain.kernels import Box, box_gap
from takead_ros.domain.scene import FloatArray
from takead_ros.scenarios.road_users import ROOM
from takead_ros.simulators.episode_recorder import NEAR, TOUCH
from takead_ros.simulators.vector import traffic
from takead_ros.simulators.vector.arrays import Layout, State
from takead_ros.simulators.vector.ego import SingleTrack
from takead_ros.simulators.vector.traffic import SPEED


@part
def box(pose: FloatArray, length: float, width: float) -> Box:
    """The box of who is at ``pose`` (x, y, yaw, ...)."""
    return Box(pose[0], pose[1], math.cos(pose[2]), math.sin(pose[2]), 0.5 * length, 0.5 * width)


@part
def come_and_go(layout: Layout, state: State, e: int, time: float, vehicle: SingleTrack) -> None:
    """Actors appear where the ego enters their stretch, unless the place is taken, and go when it is behind."""
    s, ego = state.navigation[e, 0], state.ego[e]
    for i in range(layout.actor_count[e]):
        if not state.gone[e, i] and s > layout.present_to[e, i]:
            state.gone[e, i] = 1
    for i in range(layout.actor_count[e]):
        if not state.waiting[e, i] or layout.present_from[e, i] > s:
            continue
        state.waiting[e, i] = 0
        own = box(state.pose[e, i], layout.length[e, i] + ROOM, layout.width[e, i] + ROOM)
        free = box_gap(own, box(ego, vehicle.length, vehicle.width)) >= 0.0
        for j in range(layout.actor_count[e]):
            if free and not state.gone[e, j]:
                free = box_gap(own, box(state.pose[e, j], layout.length[e, j], layout.width[e, j])) >= 0.0
        if free:
            traffic.begin_actor(layout, state, e, i, time)


@part
def keep_out(body: FloatArray, other: FloatArray, length: float, width: float, vehicle: SingleTrack) -> None:
    """Shift the ego out of another's body along the axis of least overlap, and take what speed it has into it beyond
    the other's own: behind one that moves on, it moves on as fast. Nobody pushes the ego.

    What is told of the ego is one physics step late, but not at an impact: else the two would only be seen to touch in
    the next tick, when the ego stands, and who is hit while standing is not at fault.
    """
    depth, nx, ny = math.inf, 0.0, 0.0
    for axis in range(4):
        yaw = (body[2] if axis < 2 else other[2]) + (0.5 * math.pi if axis % 2 else 0.0)
        ax, ay = math.cos(yaw), math.sin(yaw)
        reach = 0.0
        for box in range(2):
            heading, long, wide = (body[2], vehicle.length, vehicle.width) if box == 0 else (other[2], length, width)
            c, s = math.cos(heading), math.sin(heading)
            reach += (abs(ax * c + ay * s) * long + abs(ay * c - ax * s) * wide) / 2.0
        apart = ax * (body[0] - other[0]) + ay * (body[1] - other[1])
        here = reach - abs(apart)
        if here <= 0.0:
            return
        if here < depth:
            away = math.copysign(1.0, apart)
            depth, nx, ny = here, away * ax, away * ay
    body[0] += depth * nx
    body[1] += depth * ny
    body[6] += depth * nx
    body[7] += depth * ny
    into = body[3] * nx + body[4] * ny - min(other[3] * nx + other[4] * ny, 0.0)
    if into < 0.0:
        body[3] -= into * nx
        body[4] -= into * ny
        late = (body[0] - body[6]) * nx + (body[1] - body[7]) * ny
        body[6] += late * nx
        body[7] += late * ny


@part
def find_contacts(layout: Layout, state: State, e: int, vehicle: SingleTrack) -> None:
    """New touches between the ego's box and others; a touched actor stops for good."""
    ego = state.ego[e]
    for i in range(layout.actor_count[e]):
        state.touched[e, i] = 0
        p = state.pose[e, i]
        touches = False
        if not state.gone[e, i] and math.hypot(p[0] - ego[0], p[1] - ego[1]) < NEAR:
            other = box(p, layout.length[e, i] + 2.0 * TOUCH, layout.width[e, i] + 2.0 * TOUCH)
            touches = box_gap(box(ego, vehicle.length, vehicle.width), other) < 0.0
        if touches and not state.touching[e, i]:
            state.touched[e, i] = 1
            state.hit[e, i] = 1
            state.motion[e, i, SPEED], state.motion[e, i, traffic.DRIFT] = 0.0, 0.0
            p[3], p[4] = 0.0, 0.0
        state.touching[e, i] = touches
