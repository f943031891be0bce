"""What the triggers about other road users look at: the ego on a straight way among others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.scenery import objects, output, scene
from takead_ros.domain.driving import DriverOutput, Trigger
from takead_ros.domain.scene import FloatArray, Objects
from takead_ros.takeover import collisions
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.plans import Driver
from takead_ros.takeover.prediction import Trace
from takead_ros.takeover.view import Finding, View, ahead_s

P = MonitorParameters()


def driver(name: str = "policy", speed: float = 10.0, acceleration: float = 0.0, stamp: int = 0) -> Driver:
    made: DriverOutput = output(stamp, name, acceleration=acceleration, speed=speed)
    return Driver(made, Trace.of(made.plan, (0.0, 0.0, 0.0), speed))


def straight(speed: float = 10.0) -> FloatArray:
    ahead = ahead_s(P)
    return np.stack([speed * ahead, np.zeros(len(ahead)), np.zeros(len(ahead))], axis=1)


def view(
    near: Objects,
    speed: float = 10.0,
    acceleration: float = 0.0,
    expert: float | None = None,
    path: FloatArray | None = None,
    **changes: Any,
) -> View:
    """The policy goes on with ``acceleration`` along ``path``; the expert, where there is one, with its own."""
    now = replace(scene(0, speed=speed, near=near), **changes)
    peer = driver("expert", speed, expert) if expert is not None else None
    own = driver(speed=speed, acceleration=acceleration)
    return View(now, own, peer, None, 0.0, 0.0, near, straight(speed) if path is None else path)


def contact(row: dict[str, float], seconds: float | None, **keywords: Any) -> Finding:
    found = collisions.collision(view(objects(row), **keywords), P)
    assert found.trigger is Trigger.COLLISION_PREDICTED and found.enter == (seconds is not None)
    assert found.leave is (not found.enter) and found.time_to_event == (pytest.approx(seconds) if seconds else None)
    return found
