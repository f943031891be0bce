"""Scenes, driver outputs and inputs for the takeover tests: a straight road along x, ego at the origin by default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from takead_ros.domain.driving import DriveCommand, DriverOutput, DriverStatus, Plan, Source, TakeoverRequest, Trigger
from takead_ros.domain.scene import EgoState, Objects, Route, RouteCommand, Scene
from takead_ros.takeover.inputs import Now, Received

TICK = 50_000_000
FOLLOW = (RouteCommand.LANE_FOLLOW,) * 3


def objects(*rows: dict[str, float]) -> Objects:
    """Objects from rows of x, y and, where they matter, yaw, vx, vy, length, width, visibility, kind."""
    base = {"kind": 1, "yaw": 0.0, "vx": 0.0, "vy": 0.0, "length": 4.5, "width": 1.9, "visibility": 1.0}
    full = [{"id": i + 1, **base, **row} for i, row in enumerate(rows)]
    columns = [np.array([row[name] for row in full], dtype=float) for name in Objects.__dataclass_fields__]
    return Objects(columns[0].astype(np.int64), columns[1].astype(np.int64), *columns[2:])


def scene(stamp: int, x: float = 0.0, speed: float = 10.0, near: Objects | None = None, **ego: Any) -> Scene:
    path = np.column_stack((x - 10.0 + np.arange(110), np.zeros(110)))
    state = EgoState(x=x, y=0.0, yaw=0.0, speed=speed)
    route = Route(path, np.array([[x + 10, 0.0], [x + 30, 0.0], [x + 60, 0.0]]), FOLLOW, 0.0, 0.0, 5000.0, 0.1, 14.0)
    return Scene(stamp, replace(state, **ego), near if near is not None else Objects.empty(), (), route)


def output(
    stamp: int, source: str = "policy", steering: float = 0.0, acceleration: float = 0.0, speed: float = 10.0
) -> DriverOutput:
    """A driver that goes straight on at ``speed``."""
    times = 0.5 * np.arange(1, 9)
    plan = Plan(speed * times, np.zeros(8), np.zeros(8), np.full(8, speed))
    none = np.zeros(0)
    return DriverOutput(
        stamp,
        source,
        plan,
        np.zeros((0, 8, 2)),
        none,
        none,
        none,
        steering,
        acceleration,
        steering,
        acceleration,
        DriverStatus.OK,
        "",
        "ab" * 32 if source == "policy" else "",
    )


def human(stamp: int, steering: float | None = None, acceleration: float | None = None) -> DriveCommand:
    """A person's command; None: that axis is not touched."""
    return DriveCommand(
        stamp,
        steering or 0.0,
        acceleration or 0.0,
        Source.HUMAN if steering is not None else Source.NONE,
        Source.HUMAN if acceleration is not None else Source.NONE,
    )


def request(stamp: int, trigger: Trigger = Trigger.COLLISION_PREDICTED, severity: float = 0.8) -> TakeoverRequest:
    return TakeoverRequest(stamp, trigger, severity, 1.0)


def received(value: Any, now: Now, age: int = 0) -> Received[Any]:
    """``value`` as it came in ``age`` ns ago by both clocks; its stamp is taken as it is."""
    return Received(value, value.stamp, now.steady - age)
