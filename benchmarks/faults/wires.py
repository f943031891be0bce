"""The faults there are, and the wires between nodes on which they happen."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from takead_ros.domain.driving import Source
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import interfaces

POLICY, EXPERT, SCENE, MONITOR = (
    one.name for one in (interfaces.POLICY_OUTPUT, interfaces.EXPERT_OUTPUT, interfaces.SCENE, interfaces.REQUEST)
)
LATE_NS = {SCENE: 300_000_000, POLICY: 500_000_000, EXPERT: 500_000_000}

# fault -> the topics that it is about, what happens to their messages (see Wire.change), the source that is lost
FAULTS: dict[str, tuple[tuple[str, ...], str, Source]] = {
    "policy killed": ((POLICY,), "silent", Source.POLICY),
    "policy hangs and repeats itself": ((POLICY,), "repeat", Source.POLICY),
    "policy says NaN": ((POLICY,), "nan", Source.POLICY),
    "policy late by 0.5 s": ((POLICY,), "late", Source.POLICY),
    "half of the policy's messages lost": ((POLICY,), "lossy", Source.NONE),
    "expert killed": ((EXPERT,), "silent", Source.EXPERT),
    "expert hangs and repeats itself": ((EXPERT,), "repeat", Source.EXPERT),
    "expert says NaN": ((EXPERT,), "nan", Source.EXPERT),
    "expert late by 0.5 s": ((EXPERT,), "late", Source.EXPERT),
    "monitor killed": ((MONITOR,), "silent", Source.POLICY),
    "monitor hangs and repeats itself": ((MONITOR,), "repeat", Source.POLICY),
    "policy and expert killed": ((POLICY, EXPERT), "silent", Source.NONE),
    "scene killed": ((SCENE,), "silent", Source.NONE),
    "scene frozen but stamped anew": ((SCENE,), "frozen", Source.NONE),
    "scene says NaN": ((SCENE,), "nan", Source.NONE),
    "scene late by 0.3 s": ((SCENE,), "late", Source.NONE),
    "half of all messages lost": ((SCENE, POLICY, EXPERT, MONITOR), "lossy", Source.NONE),
    "everything killed": ((SCENE, POLICY, EXPERT, MONITOR), "silent", Source.NONE),
    "clock paused": ((), "pause", Source.NONE),
    "clock 5 s back": ((), "back", Source.NONE),
    "clock 10 s ahead": ((), "ahead", Source.NONE),
    "joystick unplugged in mid-turn": ((), "unplugged", Source.HUMAN),
    "joystick hangs in mid-turn": ((), "hangs", Source.HUMAN),
}
CONTROL = "healthy expert"
HANDS = ("unplugged", "hangs")  # faults of the joystick: before them, the person steers


class Wire:
    """Stands between one node and its publisher, and breaks what passes once ``kind`` is set."""

    def __init__(self, publisher: Any, topic: str, host: LockstepHost, rng: np.random.Generator) -> None:
        self._publisher, self._topic, self._host, self._rng = publisher, topic, host, rng
        self.kind = ""
        self._last: Any = None
        self._waiting: list[tuple[int, Any]] = []

    def publish(self, msg: Any) -> None:
        passed = self.change(msg)
        if not self.kind:
            self._last = msg
        if passed is not None:
            self._publisher.publish(passed)

    def change(self, msg: Any) -> Any:
        """What comes out instead of ``msg``; None: nothing."""
        now = self._host.steady.nanoseconds
        if self.kind == "silent" or (self.kind == "lossy" and self._rng.random() < 0.5):
            return None
        if self.kind == "repeat":
            return self._last
        if self.kind == "frozen":
            return changed(self._last, header=msg.header)
        if self.kind == "nan":
            if self._topic == SCENE:
                return changed(msg, ego=changed(msg.ego, speed=math.nan))
            return changed(msg, steering_angle=math.nan)
        if self.kind == "late":
            self._waiting.append((now + LATE_NS[self._topic], msg))
            return self._waiting.pop(0)[1] if self._waiting[0][0] <= now else None
        return msg


def changed(msg: Any, **fields: Any) -> Any:
    """A copy of a message with other values; the original is shared with other nodes."""
    other = copy.copy(msg)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


class Handle:
    """A node handle whose publishers go through wires."""

    def __init__(self, node: Any, host: LockstepHost, wires: dict[str, Wire], rng: np.random.Generator) -> None:
        self._node, self._host, self._wires, self._rng = node, host, wires, rng

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def create_publisher(self, msg_type: Any, topic: str, profile: Any) -> Any:
        publisher = self._node.create_publisher(msg_type, topic, profile)
        if topic not in (SCENE, POLICY, EXPERT, MONITOR):
            return publisher
        return self._wires.setdefault(topic, Wire(publisher, topic, self._host, self._rng))
