"""A clip's scenes and what the policy said to them, to hold a replay's outputs against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.messages import interfaces
from takead_ros.recording import bag, reader
from takead_ros.recording.gaps import header_stamp

# The same model on another processor or ONNX Runtime adds its sums in another order: plans may move by this much.
TOLERANCE = {"plan_m": 0.01, "yaw_rad": 0.002, "speed_mps": 0.01, "steering_rad": 0.002, "acceleration_mps2": 0.02}


@dataclass(frozen=True)
class ReplayDifference:
    """The largest differences over ``frames`` outputs, by quantity; ``problems`` says what does not fit."""

    frames: int
    worst: dict[str, float]
    problems: list[str]

    @property
    def ok(self) -> bool:
        return not self.problems


def recorded_outputs(clip: Path) -> tuple[list[tuple[int, bytes]], dict[int, DriverOutput]]:
    """Scenes by receive stamp, and the policy's outputs by the stamp of their scene."""
    scenes: list[tuple[int, bytes]] = []
    outputs = {frame.stamp: frame.policy for frame in reader.frames(clip) if frame.policy is not None}
    for message in bag.read(clip):
        if interfaces.SCENE.matches(message.topic, message.type):
            scenes.append((message.stamp, message.data))
    # The node answers the first scene of each period: begin with one that was answered.
    answered = [i for i, (_, data) in enumerate(scenes) if header_stamp(data) in outputs]
    if not answered:
        raise TakeadError(f"clip '{clip}': holds no output of the policy; expected one recorded while it ran")
    return scenes[answered[0] :], outputs


def judge(
    clip: Path, before: dict[int, DriverOutput], said: dict[int, DriverOutput], any_model: bool = False
) -> ReplayDifference:
    """Hold what a replay ``said`` against what was recorded ``before``, both by the stamp of their scene (ns)."""
    worst = dict.fromkeys(TOLERANCE, 0.0)
    problems: list[str] = []
    models = {output.model_sha256 for output in before.values()}, {output.model_sha256 for output in said.values()}
    if models[0] != models[1] and not any_model:
        raise TakeadError(
            f"clip '{clip}': recorded with model {_short(models[0])}, replayed with {_short(models[1])}; "
            "expected the same (or --any-model)"
        )
    for stamp, then in before.items():
        now = said.get(stamp)
        if now is None or now.status is not then.status:
            problems.append(
                f"{stamp} ns: recorded {then.status.name}, replayed {now.status.name if now else 'nothing'}"
            )
            continue
        if then.status is not DriverStatus.OK:
            continue
        for name, value in _differences(then, now).items():
            worst[name] = max(worst[name], value)
            if not value <= TOLERANCE[name]:
                problems.append(f"{stamp} ns: {name} differs by {value:.4f}, {TOLERANCE[name]} allowed")
    return ReplayDifference(len(before), worst, problems)


def _differences(before: DriverOutput, now: DriverOutput) -> dict[str, float]:
    def apart(first: Sequence[Any], second: Sequence[Any]) -> float:
        a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
        if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
            return float("inf")  # NaN is like nothing, and max() would pass over it
        return float(np.abs(a - b).max(initial=0.0))

    plan, other = before.plan, now.plan
    return {
        "plan_m": apart([plan.x, plan.y], [other.x, other.y]),
        "yaw_rad": apart([plan.yaw], [other.yaw]),
        "speed_mps": apart([plan.speed], [other.speed]),
        "steering_rad": apart([before.steering_angle], [now.steering_angle]),
        "acceleration_mps2": apart([before.acceleration], [now.acceleration]),
    }


def _short(hashes: set[str]) -> str:
    return ", ".join(sorted(h[:12] or "none" for h in hashes)) or "none"
