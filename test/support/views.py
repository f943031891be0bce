"""What the triggers look at: answers with the trace of their plan, and views with one thing of interest in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from support.scenery import output, scene
from takead_ros.domain.driving import DriverOutput
from takead_ros.domain.scene import Objects, Scene
from takead_ros.takeover.plans import Driver
from takead_ros.takeover.prediction import Trace
from takead_ros.takeover.view import View


def driver(name: str = "policy", speed: float = 10.0, stamp: int = 0, **values: Any) -> Driver:
    made: DriverOutput = replace(output(stamp, name, speed=speed), **values)
    return Driver(made, Trace.of(made.plan, (0.0, 0.0, 0.0), speed))


def view(now: Scene | None = None, policy: Driver | None = None, expert: Driver | None = None, **values: Any) -> View:
    base = View(now or scene(0), policy or driver(), expert, None, 0.0, 0.0, Objects.empty(), np.zeros((0, 3)))
    return base._replace(**values)
