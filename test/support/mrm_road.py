"""A vehicle and a straight path for the minimum-risk manoeuvre."""

from __future__ import annotations

import numpy as np

from support.scenery import scene
from takead_ros.domain.driving import Plan
from takead_ros.domain.scene import Objects
from takead_ros.takeover import mrm
from takead_ros.takeover.mrm import DeadReckoning, PlanPath
from takead_ros.takeover.parameters import ArbiterParameters

P = ArbiterParameters()


def motion(x: float = 0.0, y: float = 0.0, yaw: float = 0.0, speed: float = 10.0) -> DeadReckoning:
    return DeadReckoning.of(scene(0, x, speed, y=y, yaw=yaw).ego)


def straight(length: float = 60.0) -> PlanPath:
    return PlanPath.of(
        Plan(np.linspace(length / 12, length, 12), np.zeros(12), np.zeros(12), np.zeros(12)), 0.0, 0.0, 0.0
    )


def braking(path: PlanPath | None, ego: DeadReckoning, near: Objects, age_s: float, p: ArbiterParameters) -> float:
    """The manoeuvre's deceleration (m/s^2)."""
    return mrm.deceleration(path, ego, near, age_s, mrm.to_path_end(path, ego, p), p)
