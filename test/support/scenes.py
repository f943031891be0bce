"""Scenes made by hand for the policy's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from takead_ros.domain.scene import (
    ControlKind,
    EgoState,
    LightState,
    LineKind,
    Objects,
    Polyline,
    Route,
    RouteCommand,
    Scene,
    TrafficControl,
)


def arc(radius: float, length: float, start: float = -10.0) -> np.ndarray:
    """Points (P, 2) 1 m apart on a left-hand circle that touches the x axis at 0; straight for infinity."""
    s = np.arange(start, length + 0.5)
    if np.isinf(radius):
        return np.stack([s, np.zeros_like(s)], -1)
    return np.stack([radius * np.sin(s / radius), radius * (1 - np.cos(s / radius))], -1)


def make_scene(
    seed: int = 0, objects: int = 6, radius: float = np.inf, speed: float = 8.0, offset: float = 0.3
) -> Scene:
    """A scene with the ego near the origin of ``map`` and ``objects`` at random places, all of them visible."""
    random = np.random.default_rng(seed)
    path = arc(radius, 100.0)
    n = objects
    things = Objects(
        id=np.arange(1, n + 1),
        kind=random.integers(0, 7, n),
        x=random.uniform(-20, 60, n),
        y=random.uniform(-15, 15, n),
        yaw=random.uniform(-3, 3, n),
        vx=random.uniform(-8, 8, n),
        vy=random.uniform(-3, 3, n),
        length=random.uniform(0.5, 6, n),
        width=random.uniform(0.5, 2.5, n),
        visibility=random.uniform(0.1, 1.0, n),
    )
    lines = tuple(
        Polyline(i, kind, path + np.array([0.0, shift]), kind == LineKind.LANE_CENTER, 13.9, 3.5)
        for i, (kind, shift) in enumerate(
            [(LineKind.LANE_CENTER, 0.0), (LineKind.ROAD_EDGE, -1.75), (LineKind.BOUNDARY_BROKEN, 1.75)]
        )
    )
    route = Route(
        path,
        path[[30, 60, 90]],
        (RouteCommand.LANE_FOLLOW, RouteCommand.LEFT, RouteCommand.STRAIGHT),
        offset,
        0.0,
        80.0,
        0.2,
        13.9,
    )
    control = TrafficControl(7, ControlKind.TRAFFIC_LIGHT, LightState.RED, 40.0, 0.0, 0.0, 37.0)
    return Scene(1_000_000_000, EgoState(0.3, offset, 0.02, speed, yaw_rate=0.1), things, lines, route, (control,))


def moved(scene: Scene, x: float, y: float, turn: float) -> Scene:
    """The same scene in a map whose origin and axes lie elsewhere."""
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([[cos, sin], [-sin, cos]])

    def points(values: np.ndarray) -> np.ndarray:
        return values @ rotation + (x, y)

    e, o = scene.ego, scene.objects
    ego_at = points(np.array([e.x, e.y]))
    places, speeds = points(np.stack([o.x, o.y], -1)), np.stack([o.vx, o.vy], -1) @ rotation
    controls = []
    for control in scene.controls:
        at = points(np.array([control.x, control.y]))
        controls.append(replace(control, x=float(at[0]), y=float(at[1]), yaw=control.yaw + turn))
    return replace(
        scene,
        ego=replace(e, x=float(ego_at[0]), y=float(ego_at[1]), yaw=e.yaw + turn),
        objects=replace(o, x=places[:, 0], y=places[:, 1], yaw=o.yaw + turn, vx=speeds[:, 0], vy=speeds[:, 1]),
        polylines=tuple(replace(line, points=points(line.points)) for line in scene.polylines),
        route=replace(scene.route, path=points(scene.route.path), targets=points(scene.route.targets)),
        controls=tuple(controls),
    )
