"""A hand-made road for the expert: scenes from domain types, and a closed loop with the kinematic bicycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from takead_ros.domain.driving import DriverOutput
from takead_ros.domain.geometry import arc_lengths, bicycle_rollout, box_corners, boxes_overlap, project
from takead_ros.domain.scene import (
    EgoState,
    LineKind,
    ObjectKind,
    Objects,
    Polyline,
    Route,
    RouteCommand,
    Scene,
    TrafficControl,
)
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan

STEP = 0.05  # s
FORWARD = (RouteCommand.LANE_FOLLOW,) * 3


@dataclass(frozen=True)
class Actor:
    """Somebody whose ``pose`` at time t (s) is (x m, y m, yaw rad, speed m/s)."""

    id: int
    pose: Callable[[float], tuple[float, float, float, float]]
    kind: ObjectKind = ObjectKind.CAR
    length: float = 4.6
    width: float = 1.9
    visibility: Callable[[float], float] = lambda _t: 1.0


def standing(number: int, x: float, y: float = 0.0, **rest: object) -> Actor:
    return Actor(number, lambda _t: (x, y, 0.0, 0.0), **rest)  # type: ignore[arg-type]


def steady(number: int, x: float, y: float, yaw: float, speed: float, **rest: object) -> Actor:
    cos, sin = float(np.cos(yaw)), float(np.sin(yaw))
    return Actor(number, lambda t: (x + cos * speed * t, y + sin * speed * t, yaw, speed), **rest)  # type: ignore[arg-type]


def braking(number: int, x: float, speed: float, start: float, deceleration: float) -> Actor:
    def pose(t: float) -> tuple[float, float, float, float]:
        slow = min(max(t - start, 0.0), speed / deceleration)
        return x + speed * min(t, start + slow) - 0.5 * deceleration * slow**2, 0.0, 0.0, speed - deceleration * slow

    return Actor(number, pose)


@dataclass(frozen=True)
class Road:
    """``path`` (P, 2) m is the route's lane; ``lines`` all polylines; ``limit`` m/s."""

    path: np.ndarray
    lines: tuple[Polyline, ...]
    limit: float = 12.0


def straight(left_edge: float = 5.25, right_edge: float = -1.75, limit: float = 12.0) -> Road:
    """A lane along x with an oncoming one to its left, 400 m long."""
    x = np.arange(-50.0, 351.0)
    path = np.stack([x, np.zeros_like(x)], axis=1)
    lines = [
        Polyline(1, LineKind.LANE_CENTER, path, True, limit, 3.5),
        Polyline(2, LineKind.ROAD_EDGE, path + np.array([0.0, right_edge])),
        Polyline(3, LineKind.ROAD_EDGE, path + np.array([0.0, left_edge])),
    ]
    if left_edge > 4.0:
        lines.append(Polyline(4, LineKind.LANE_CENTER, path[::-1] + np.array([0.0, 3.5]), False, limit, 3.5))
    return Road(path, tuple(lines), limit)


def bend(radius: float, limit: float = 12.0) -> Road:
    """60 m straight, a quarter circle to the left, straight on."""
    arc = np.arange(1.0, radius * np.pi / 2.0) / radius
    first = np.stack([np.arange(-50.0, 61.0), np.zeros(111)], axis=1)
    turn = np.stack([60.0 + radius * np.sin(arc), radius * (1.0 - np.cos(arc))], axis=1)
    last = np.stack([np.full(150, 60.0 + radius), radius + np.arange(0.0, 150.0)], axis=1)
    path = np.concatenate([first, turn, last])
    return Road(path, (Polyline(1, LineKind.LANE_CENTER, path, True, limit, 3.5),), limit)


def acceleration_lane(change: float = 60.0, over: float = 30.0, limit: float = 12.0) -> Road:
    """A lane at y = -3.5 m from which the route changes to the road at y = 0 from x = ``change`` m on."""
    x = np.arange(-50.0, 351.0)
    path = np.stack([x, -1.75 * (1.0 + np.cos(np.pi * np.clip((x - change) / over, 0.0, 1.0)))], axis=1)
    road = np.stack([np.arange(-150.0, 351.0), np.zeros(501)], axis=1)
    beside = x[x < change + over + 20.0]
    lane = np.stack([beside, np.full(len(beside), -3.5)], axis=1)
    edge = np.stack([x, np.clip(0.1 * (x - beside[-1]) - 5.25, -5.25, -1.75)], axis=1)
    lines = (
        Polyline(1, LineKind.LANE_CENTER, road, False, limit, 3.5),
        Polyline(2, LineKind.LANE_CENTER, lane, True, limit, 3.5),
        Polyline(3, LineKind.ROAD_EDGE, edge),
        Polyline(4, LineKind.ROAD_EDGE, road + np.array([0.0, 1.75])),
    )
    return Road(path, lines, limit)


def objects_at(actors: list[Actor], t: float) -> Objects:
    if not actors:
        return Objects.empty()
    poses = np.array([actor.pose(t) for actor in actors])
    return Objects(
        np.array([actor.id for actor in actors]),
        np.array([int(actor.kind) for actor in actors]),
        poses[:, 0],
        poses[:, 1],
        poses[:, 2],
        poses[:, 3] * np.cos(poses[:, 2]),
        poses[:, 3] * np.sin(poses[:, 2]),
        np.array([actor.length for actor in actors]),
        np.array([actor.width for actor in actors]),
        np.array([actor.visibility(t) for actor in actors]),
    )


def make_scene(
    road: Road,
    ego: EgoState,
    actors: list[Actor] | None = None,
    t: float = 0.0,
    controls: tuple[TrafficControl, ...] = (),
) -> Scene:
    along, lateral, heading = project(road.path, ego.x, ego.y)
    arc = arc_lengths(road.path)
    near = (arc >= along - 10.0) & (arc <= along + 100.0)
    route = Route(
        road.path[near],
        road.path[near][[-1, -1, -1]],
        FORWARD,
        lateral,
        float((ego.yaw - heading + np.pi) % (2 * np.pi) - np.pi),
        100.0,
        0.0,
        road.limit,
    )
    return Scene(round(t * 1e9), ego, objects_at(actors or [], t), road.lines, route, controls)


@dataclass
class Drive:
    """A drive's record, one entry for each 0.05 s; outputs one for each 0.1 s."""

    ego: list[EgoState] = field(default_factory=list)
    outputs: list[DriverOutput] = field(default_factory=list)
    touched: list[int] = field(default_factory=list)

    def values(self, name: str) -> np.ndarray:
        return np.array([getattr(state, name) for state in self.ego])

    def causes(self) -> set[tuple[str, int]]:
        return {(output.cause.kind, output.cause.object_id) for output in self.outputs}


def drive(
    road: Road,
    ego: EgoState,
    seconds: float,
    actors: list[Actor] | None = None,
    controls: Callable[[EgoState, float], tuple[TrafficControl, ...]] = lambda _ego, _t: (),
    parameters: ExpertParameters | None = None,
) -> Drive:
    """The expert drives a kinematic bicycle: planned at 10 Hz, moved at 20 Hz, as in the embedded run."""
    actors = actors or []
    record, memory, command = Drive(), Memory(), (0.0, 0.0)
    for tick in range(round(seconds / STEP)):
        t = tick * STEP
        if tick % 2 == 0:
            scene = make_scene(road, ego, actors, t, controls(ego, t))
            output, memory = plan(scene, memory, parameters or ExpertParameters())
            record.outputs.append(output)
            command = (output.steering_angle, output.acceleration)
        x, y, yaw, speed = bicycle_rollout(
            ego.x, ego.y, ego.yaw, ego.speed, np.array([command[0]]), np.array([command[1]]), ego.wheelbase, STEP
        )[0].tolist()
        ego = replace(
            ego,
            x=x,
            y=y,
            yaw=yaw,
            speed=speed,
            acceleration=(speed - ego.speed) / STEP,
            yaw_rate=(yaw - ego.yaw) / STEP,
            steering_angle=command[0],
        )
        record.ego.append(ego)
        own = box_corners(np.array(x), np.array(y), np.array(yaw), np.array(ego.length), np.array(ego.width))
        for actor in actors:
            ax, ay, ayaw, _ = (np.array(value) for value in actor.pose(t + STEP))
            if boxes_overlap(own, box_corners(ax, ay, ayaw, np.array(actor.length), np.array(actor.width))):
                record.touched.append(actor.id)
    return record
