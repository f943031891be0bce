"""What a trigger looks at, what it finds, and the record that makes it one.

A trigger is a function of the ``View``, and below it a ``Record`` that says how long its conditions must last, what
people are told about it, and what the arbiter does where no expert is fit. To add one: its number in
``domain.driving.Trigger`` and ``msg/TakeoverRequest.msg``, its thresholds in ``MonitorParameters``, function and record
in one of ``collisions``, ``conduct``, ``course``, and its name in ``risks.RECORDS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import Trigger
from takead_ros.domain.scene import FloatArray, Objects, Scene
from takead_ros.domain.units import SECOND
from takead_ros.takeover import prediction
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.plans import Driver
from takead_ros.takeover.prediction import CentreLines
from takead_ros.takeover.view_kernels import within


class View(NamedTuple):
    """What a trigger may look at. Poses in ``map``."""

    scene: Scene
    policy: Driver | None  # its newest output; None: none so far
    expert: Driver | None  # None: there is none to compare with
    lanes: CentreLines | None  # of the scene
    stood_s: float  # s for which the ego has stood
    waited_s: float  # s since the first scene
    near: Objects  # that may matter within the horizon
    path: FloatArray  # (T, 3) poses of the ego under the policy's plan; empty where that cannot be used


@dataclass(frozen=True)
class Finding:
    """One trigger at one scene: enter and exit condition, severity 0..1, time to event s (None: does not apply)."""

    trigger: Trigger
    enter: bool
    leave: bool
    severity: float
    time_to_event: float | None = None
    object_id: int = 0
    text: str = ""


Stops = Literal["no", "alone", "always"]  # whether the vehicle stops: no, where no expert is fit, whoever is fit
Find = Callable[[View, MonitorParameters], "Finding | None"]


@dataclass(frozen=True)
class Record:
    """A trigger: what it finds, for how long its conditions must last, and what is said about it."""

    trigger: Trigger
    find: Find
    enters: str  # in words: when it enters
    clears: str  # in words: when it clears
    severity: str  # in words: how grave it is
    sustain: str | None = None  # parameter (s): the enter condition must last this long; None: it counts at once
    clear: str = "clear_s"  # parameter (s): the exit condition must last this long
    stops: Stops = "no"
    of_plan: bool = True  # it is asked only of a policy whose plan can be used

    def sustain_s(self, p: MonitorParameters) -> float:
        return float(getattr(p, self.sustain)) if self.sustain is not None else 0.0

    def clear_s(self, p: MonitorParameters) -> float:
        return float(getattr(p, self.clear))


def ahead_s(p: MonitorParameters) -> FloatArray:
    """(T,) s ahead at which the paths are compared."""
    return prediction.times(p.horizon_s)


def rolled(scene: Scene, driver: Driver, p: MonitorParameters) -> FloatArray:
    """Poses (T, 3) of the ego under a driver's plan."""
    assert driver.trace is not None  # only usable drivers come here
    return prediction.pursue_trace(driver.trace, (scene.stamp - driver.output.stamp) / SECOND, scene.ego, ahead_s(p), p)


def in_reach(scene: Scene, p: MonitorParameters) -> Objects:
    """Visible objects that may matter within the horizon; what comes up from behind is not the ego's to avoid."""
    objects, ego = scene.objects, scene.ego
    if not len(objects):
        return objects
    prepare()
    columns = (objects.x, objects.y, objects.vx, objects.vy, objects.visibility)
    x, y, vx, vy, visibility = (np.ascontiguousarray(values, dtype=float) for values in columns)
    own = np.array((ego.x, ego.y, ego.yaw, ego.speed, ego.length))
    rows = within(x, y, vx, vy, visibility, own, p.horizon_s, p.reach_m)
    return objects if len(rows) == len(objects) else objects.select(rows)


def driver_of(view: View) -> Driver:
    assert view.policy is not None  # records ``of_plan`` are asked only of a usable policy
    return view.policy


def brakes_less(view: View, p: MonitorParameters) -> bool:
    """Whether the policy brakes less than the expert would; without an expert, whether it hardly brakes."""
    mine = driver_of(view).output.acceleration
    if view.expert is None:
        return mine > -p.better_braking_mps2
    return mine > view.expert.output.acceleration + p.better_braking_mps2
