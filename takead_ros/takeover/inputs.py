"""What reaches the arbiter, and whether it may be used: finite, in range, without a jump, fresh by two clocks.

A message is looked at once, when it is new; a rejected one is counted and does not refresh its source. Age is checked
at every tick, by header stamp (ROS time) and by steady receive time, so that neither a stalled publisher nor a paused,
jumping or backward ``/clock`` can keep an old value alive. Where ROS time itself jumps, values are re-dated: they go on
ageing by the steady clock and must be refreshed by messages of the new time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Generic, TypeVar

import numpy as np

from takead_ros.domain.driving import DriveCommand, DriverOutput, DriverStatus, Source, TakeoverRequest
from takead_ros.domain.scene import Scene
from takead_ros.domain.units import SECOND
from takead_ros.takeover.parameters import ArbiterParameters

T = TypeVar("T")
FARTHEST = 1e7  # m from the map's origin; no place on Earth is farther from a sensible one
SHORTEST_WHEELBASE_M, LONGEST_WHEELBASE_M = 0.5, 15.0
CONTROL = ("x", "y", "yaw", "distance")  # numbers of a traffic control
ROUTE = ("path", "lateral_offset", "heading_error", "remaining")  # and of a route that is always known

# Faults after which the source's earlier value must not be used either: the driver itself is broken.
WITHDRAWING = frozenset({"not_finite", "out_of_range", "malformed", "status"})


@dataclass(frozen=True)
class Now:
    """The two clocks of a tick, in nanoseconds: ROS time and steady time."""

    ros: int
    steady: int


@dataclass(frozen=True, eq=False)
class Received(Generic[T]):
    """A message as it came in: header stamp (ns, ROS time) and time of reception (ns, steady clock)."""

    value: T
    stamp: int
    steady: int


class Ask(Enum):
    NOTHING = "nothing"
    ENGAGE = "engage"
    DISENGAGE = "disengage"


@dataclass(frozen=True, eq=False)
class Inputs:
    """The newest message of every input (None: none so far), and what a service asks for."""

    scene: Received[Scene] | None = None
    policy: Received[DriverOutput] | None = None
    expert: Received[DriverOutput] | None = None
    human: Received[DriveCommand] | None = None
    request: Received[TakeoverRequest] | None = None
    ask: Ask = Ask.NOTHING


@dataclass(frozen=True, eq=False)
class ScreenedInput(Generic[T]):
    """What is known of one input.

    ``accepted`` is the newest message that passed, ``seen`` the newest that was looked at, ``fault`` why that one was
    rejected (empty where it passed), ``rejected`` how many were.
    """

    accepted: Received[T] | None = None
    seen: Received[T] | None = None
    fault: str = ""
    rejected: int = 0

    def why_unfit(self, now: Now, max_age_s: float, max_silence_s: float, future_s: float) -> str:
        """Empty where the accepted value may be used now, else a reason code."""
        if self.accepted is None:
            return self.fault or "missing"
        age = (now.ros - self.accepted.stamp) / SECOND
        if age > max_age_s:
            return "stale"
        if age < -future_s:
            return "future"
        if (now.steady - self.accepted.steady) / SECOND > max_silence_s:
            return "silent"
        return ""

    def age(self, now: Now) -> float:
        """Age in s of the accepted value by the clock that says more; infinite where there is none."""
        if self.accepted is None:
            return math.inf
        return max(now.ros - self.accepted.stamp, now.steady - self.accepted.steady, 0) / SECOND


Check = Callable[[Received[T], "Received[T] | None", ArbiterParameters], str]


def screen(
    source: ScreenedInput[T],
    new: Received[T] | None,
    now: Now,
    check: Check[T],
    max_age_s: float,
    repeats: bool,
    parameters: ArbiterParameters,
) -> ScreenedInput[T]:
    """``source`` after looking at the newest message. ``repeats``: the same stamp may come again."""
    if new is None or new is source.seen:
        return source
    age = (now.ros - new.stamp) / SECOND
    fault = check(new, source.seen, parameters)
    if not fault and age > max_age_s:
        fault = "late"
    elif not fault and age < -parameters.future_tolerance_s:
        fault = "future"
    elif not fault and not repeats and source.accepted is not None and new.stamp <= source.accepted.stamp:
        fault = "not_advancing"
    if not fault:
        return ScreenedInput(new, new, "", source.rejected)
    kept = None if fault in WITHDRAWING else source.accepted
    return ScreenedInput(kept, new, fault, source.rejected + 1)


def redate(source: ScreenedInput[T], shift: int) -> ScreenedInput[T]:
    """``source`` after ROS time jumped by ``shift`` ns: its value keeps the age that it has by the steady clock."""
    if source.accepted is None:
        return source
    return replace(source, accepted=replace(source.accepted, stamp=source.accepted.stamp + shift))


@dataclass(frozen=True, eq=False)
class ScreenedInputs:
    scene: ScreenedInput[Scene] = field(default_factory=ScreenedInput)
    policy: ScreenedInput[DriverOutput] = field(default_factory=ScreenedInput)
    expert: ScreenedInput[DriverOutput] = field(default_factory=ScreenedInput)
    human: ScreenedInput[DriveCommand] = field(default_factory=ScreenedInput)
    request: ScreenedInput[TakeoverRequest] = field(default_factory=ScreenedInput)

    def screened(self, inputs: Inputs, now: Now, driven: bool, p: ArbiterParameters) -> ScreenedInputs:
        """After looking at ``inputs``. A picture that stands still is suspicious once it is ``driven`` by:
        a simulator may wait for its first command."""
        scene = check_scene if driven else check_values
        return ScreenedInputs(
            screen(self.scene, inputs.scene, now, scene, p.scene_max_age_s, False, p),
            screen(self.policy, inputs.policy, now, check_driver, p.policy_max_age_s, False, p),
            screen(self.expert, inputs.expert, now, check_driver, p.expert_max_age_s, False, p),
            screen(self.human, inputs.human, now, check_human, p.human_max_age_s, True, p),
            screen(self.request, inputs.request, now, check_request, p.request_max_age_s, True, p),
        )

    def redated(self, shift: int) -> ScreenedInputs:
        return ScreenedInputs(*(redate(getattr(self, name), shift) for name in self.__dataclass_fields__))


def unsound(scene: Scene, lines: bool) -> str:
    """What is wrong with the first number of a scene that cannot be reckoned with, or empty: not finite, out of this
    world, or a vehicle without size. ``lines``: whether to look at the polylines as well."""
    ego, route = scene.ego, scene.route
    if len(route.path) < 2:
        return f"route.path has {len(route.path)} points, expected at least 2"
    if _reckonable(scene, lines):
        return ""
    named: list[tuple[str, object]] = [(f"ego.{name}", getattr(ego, name)) for name in ego.__dataclass_fields__]
    named += [(f"route.{name}", getattr(route, name)) for name in ROUTE]
    named += [("route.speed_limit", 0.0 if route.speed_limit is None else route.speed_limit)]
    named += [(f"objects.{name}", getattr(scene.objects, name)) for name in scene.objects.__dataclass_fields__]
    named += [(f"controls[{i}].{name}", getattr(c, name)) for i, c in enumerate(scene.controls) for name in CONTROL]
    named += [(f"polylines[{i}].points", line.points) for i, line in enumerate(scene.polylines) if lines]
    for name, value in named:
        most = float(np.abs(np.asarray(value, dtype=np.float64)).max(initial=0.0))
        if not math.isfinite(most):
            return f"{name} is not finite, expected a number"
        if most > FARTHEST and not name.endswith(".id"):
            return f"{name} reaches {most:g}, expected at most {FARTHEST:g}"
    if not SHORTEST_WHEELBASE_M < ego.wheelbase < LONGEST_WHEELBASE_M:
        return f"ego.wheelbase is {ego.wheelbase} m, expected {SHORTEST_WHEELBASE_M} to {LONGEST_WHEELBASE_M}"
    sizes = ((name, getattr(ego, name)) for name in ("max_steering_angle", "length", "width"))
    return next((f"ego.{name} is {value}, expected more than 0" for name, value in sizes if value <= 0.0), "")


def _reckonable(scene: Scene, lines: bool) -> bool:
    """Whether every number is sound at a glance: what ``unsound`` asks one by one, so that it can name the culprit."""
    ego, route = scene.ego, scene.route
    own = (
        ego.x,
        ego.y,
        ego.yaw,
        ego.speed,
        ego.lateral_speed,
        ego.yaw_rate,
        ego.acceleration,
        ego.lateral_acceleration,
    )
    body = (ego.steering_angle, ego.length, ego.width, ego.wheelbase, ego.max_steering_angle)
    way = (route.lateral_offset, route.heading_error, route.remaining, route.speed_limit or 0.0)
    signs = [value for one in scene.controls for value in (one.x, one.y, one.yaw, one.distance)]
    numbers = (*own, *body, *way, *signs)
    points = [line.points for line in scene.polylines] if lines else []
    return (
        all(map(math.isfinite, numbers))
        and max(map(abs, numbers)) <= FARTHEST
        and scene.objects.largest <= FARTHEST  # not so for NaN
        and float(np.abs(route.path).max()) <= FARTHEST
        and (not points or float(np.abs(np.concatenate(points)).max(initial=0.0)) <= FARTHEST)
        and SHORTEST_WHEELBASE_M < ego.wheelbase < LONGEST_WHEELBASE_M
        and min(ego.max_steering_angle, ego.length, ego.width) > 0.0
    )


def check_values(new: Received[Scene], before: Received[Scene] | None, p: ArbiterParameters) -> str:
    """Fault code of a scene's ego, objects and route, taken together with the scene before, or empty."""
    ego, route = new.value.ego, new.value.route
    numbers = (
        ego.x,
        ego.y,
        ego.yaw,
        ego.speed,
        ego.steering_angle,
        ego.wheelbase,
        ego.max_steering_angle,
        ego.length,
        ego.width,
        route.lateral_offset,
        route.heading_error,
        route.remaining,
    )
    if not all(map(math.isfinite, (*numbers, new.value.objects.largest, float(route.path.sum())))):
        return "not_finite"
    if (
        abs(ego.speed) > 2.0 * p.max_speed_mps
        or max(abs(ego.x), abs(ego.y)) > FARTHEST
        or abs(ego.steering_angle) > p.steering_range_rad
        or not SHORTEST_WHEELBASE_M < ego.wheelbase < LONGEST_WHEELBASE_M
        or min(ego.max_steering_angle, ego.length, ego.width) <= 0.0
    ):
        return "out_of_range"
    if before is None:
        return ""
    moved = math.hypot(ego.x - before.value.ego.x, ego.y - before.value.ego.y)
    elapsed = max((new.stamp - before.stamp) / SECOND, 0.0)
    return "jump" if moved > p.position_jump_m + p.max_speed_mps * elapsed else ""


def check_scene(new: Received[Scene], before: Received[Scene] | None, p: ArbiterParameters) -> str:
    """As ``check_values``; besides, new stamps on an old picture are "frozen"."""
    fault = check_values(new, before, p)
    if fault or before is None or new.stamp <= before.stamp:
        return fault
    ego, old = new.value.ego, before.value.ego
    still = (ego.x, ego.y, ego.yaw) == (old.x, old.y, old.yaw) and min(ego.speed, old.speed) > p.frozen_speed_mps
    return "frozen" if still else ""


def check_driver(new: Received[DriverOutput], before: Received[DriverOutput] | None, p: ArbiterParameters) -> str:
    """Fault code of a policy's or expert's output, or empty."""
    output = new.value
    if output.status is not DriverStatus.OK:
        return "status"
    plan = output.plan
    if not 1 <= len(plan.x) == len(plan.y) == len(plan.yaw) == len(plan.speed):
        return "malformed"
    points = (*plan.x.tolist(), *plan.y.tolist())
    others = (*plan.yaw.tolist(), *plan.speed.tolist(), output.steering_angle, output.acceleration)
    if not all(map(math.isfinite, points + others)):
        return "not_finite"
    if (
        abs(output.steering_angle) > p.steering_range_rad
        or abs(output.acceleration) > p.acceleration_range_mps2
        or max(map(abs, points)) > p.plan_range_m
    ):
        return "out_of_range"
    if before is None or before.value.status is not DriverStatus.OK or new.stamp - before.stamp > SECOND // 2:
        return ""
    turned = abs(output.steering_angle - before.value.steering_angle)
    return "jump" if turned > p.steering_jump_rad else ""


def check_human(new: Received[DriveCommand], before: Received[DriveCommand] | None, p: ArbiterParameters) -> str:
    """Fault code of a human's command, or empty. A person may jerk the wheel: no jump check, the limits see to it."""
    human = new.value
    if not (math.isfinite(human.steering_angle) and math.isfinite(human.acceleration)):
        return "not_finite"
    if abs(human.steering_angle) > p.steering_range_rad or abs(human.acceleration) > p.acceleration_range_mps2:
        return "out_of_range"
    if not {human.lateral, human.longitudinal} <= {Source.NONE, Source.HUMAN}:
        return "malformed"
    return ""


def check_request(
    new: Received[TakeoverRequest], before: Received[TakeoverRequest] | None, p: ArbiterParameters
) -> str:
    """Fault code of a monitor's word, or empty."""
    request = new.value
    numbers = (request.severity, 0.0 if request.time_to_event is None else request.time_to_event)
    return "" if all(map(math.isfinite, numbers)) else "not_finite"
