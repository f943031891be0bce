"""A straight road on which the monitor is asked tick after tick."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from support.scenery import TICK, output, scene
from takead_ros.domain.driving import DriverOutput, TakeoverRequest, Trigger
from takead_ros.domain.scene import (
    ControlKind,
    LightState,
    LineKind,
    Objects,
    Polyline,
    Scene,
    TrafficControl,
)
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.triggers import MonitorState, evaluate_triggers


class Road:
    """Evaluates tick after tick: scenes at 20 Hz, outputs at 10 Hz, the ego straight on at ``speed``."""

    def __init__(self, speed: float = 10.0, **parameters: Any) -> None:
        self.p, self.memory, self.speed = MonitorParameters(**parameters), MonitorState(), speed
        self.i, self.x = 0, 0.0
        self.policy: DriverOutput | None = None
        self.expert: DriverOutput | None = None

    def tick(
        self, near: Objects | None = None, policy: Any = "same", expert: Any = "same", **changes: Any
    ) -> TakeoverRequest:
        """policy, expert: keywords of ``output``, a value, or None (silent)."""
        stamp = self.i * TICK
        now = replace(scene(stamp, self.x, self.speed, near), **changes)
        if self.i % 2 == 0:
            for name, given in (("policy", policy), ("expert", expert)):
                if isinstance(given, dict):
                    setattr(self, name, output(stamp, name, **{"speed": self.speed, **given}))
                elif given == "same":
                    setattr(self, name, output(stamp, name, speed=self.speed))
                elif given is not None:
                    setattr(self, name, replace(given, stamp=stamp))
        self.i += 1
        self.x += self.speed * 0.05
        request, self.memory = evaluate_triggers(now, self.policy, self.expert, self.memory, self.p)
        return request

    def run(self, ticks: int, **messages: Any) -> list[TakeoverRequest]:
        return [self.tick(**messages) for _ in range(ticks)]


BRAKES = {"speed": 0.0, "acceleration": -6.0}


def first(requests: list[TakeoverRequest], trigger: Trigger) -> int:
    """Index of the first request with that trigger."""
    return [request.trigger for request in requests].index(trigger)


def lane(y: float, x: Any, yaw: float = 0.0) -> Polyline:
    points = np.stack([x, np.full(len(x), y) + np.tan(yaw) * (x - x[0])], axis=1)
    return Polyline(round(y * 10) + 50, LineKind.LANE_CENTER, points, False, 14.0, 3.5)


def route_off(now: Scene, offset: float, yaw: float = 0.0) -> Any:
    return replace(now.route, lateral_offset=offset, heading_error=yaw)


def control(kind: ControlKind, state: LightState, **changes: Any) -> TrafficControl:
    return replace(TrafficControl(7, kind, state, 20.0, 0.0, 0.0, 17.7), **changes)
