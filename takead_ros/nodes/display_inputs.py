"""What there is to be seen of a drive: the newest of everything that its nodes say, as an overview to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from takead_ros.display.overview import Answer, Overview, Pose, Standing
from takead_ros.domain.driving import ArbiterMode, Source
from takead_ros.domain.units import SECOND
from takead_ros.messages import convert, interfaces
from takead_ros.messages.convert import SceneConverter
from takead_ros.messages.fields import by_number, member
from takead_ros.messages.interfaces import Interface
from takead_ros.nodes.inputs import InputBox
from takead_ros.takeover.inputs import Now
from takead_ros.takeover.notice import NoticeLevel, who_drives

SHOWN = (
    interfaces.SCENE,
    interfaces.POLICY_OUTPUT,
    interfaces.EXPERT_OUTPUT,
    interfaces.HUMAN_COMMAND,
    interfaces.REQUEST,
    interfaces.COMMAND,
    interfaces.ARBITER_STATE,
    interfaces.OPERATOR_STATUS,
)
# The inputs whose age is told, by the name that a person knows them by.
AGED = {
    "scene": interfaces.SCENE,
    "policy": interfaces.POLICY_OUTPUT,
    "expert": interfaces.EXPERT_OUTPUT,
    "monitor": interfaces.REQUEST,
    "command": interfaces.COMMAND,
    "person": interfaces.HUMAN_COMMAND,
}
OPTIONAL = frozenset({"person", "expert", "monitor"})  # a drive can be without them
STANDING_S = 2.5  # arbiter/state and operator/status come every second
POSES = 100  # scenes whose ego pose is remembered: plans are in base_link at the scene that they answer

_MODES, _SOURCES, _ALARMS = by_number(ArbiterMode), by_number(Source), by_number(NoticeLevel)


class Gathered:
    """Takes the messages of ``SHOWN`` as they come; ``overview`` is what they say at a moment."""

    def __init__(self) -> None:
        read: Mapping[Interface, Callable[[Any], Any]] = {
            interfaces.SCENE: SceneConverter().from_msg,
            interfaces.POLICY_OUTPUT: convert.driver_from_msg,
            interfaces.EXPERT_OUTPUT: convert.driver_from_msg,
            interfaces.HUMAN_COMMAND: convert.command_from_msg,
            interfaces.REQUEST: convert.request_from_msg,
            interfaces.COMMAND: convert.command_from_msg,
            interfaces.ARBITER_STATE: standing_from_state,
            interfaces.OPERATOR_STATUS: standing_from_status,
        }
        self._boxes = {one: InputBox(read[one]) for one in SHOWN}
        self._poses: dict[int, Pose] = {}  # of the ego, by the scene's stamp, ns

    @property
    def unreadable(self) -> int:
        """Messages that could not be read; the one before is shown on until it is stale."""
        return sum(box.unreadable for box in self._boxes.values())

    @property
    def stamp(self) -> int:
        """ns of the newest scene; 0 where there was none."""
        newest = self._boxes[interfaces.SCENE].newest
        return 0 if newest is None else newest.stamp

    def take(self, interface: Interface, msg: Any, steady: int) -> None:
        """A message came at ``steady`` ns of the steady clock."""
        box = self._boxes[interface]
        if box.take(msg, steady) and interface is interfaces.SCENE and box.newest is not None:
            ego = box.newest.value.ego
            self._poses[box.newest.stamp] = (ego.x, ego.y, ego.yaw)
            while len(self._poses) > POSES:
                del self._poses[next(iter(self._poses))]

    def overview(self, now: Now, stale_s: float) -> Overview:
        """What is known ``now``; what is older than ``stale_s`` is left out, but for its age."""

        def age(one: Interface) -> float | None:
            newest = self._boxes[one].newest
            return None if newest is None else max(now.ros - newest.stamp, now.steady - newest.steady) / SECOND

        def fresh(one: Interface, limit_s: float = stale_s) -> Any:
            found, newest = age(one), self._boxes[one].newest
            return None if found is None or newest is None or found >= limit_s else newest.value

        standing = fresh(interfaces.OPERATOR_STATUS, STANDING_S)
        return Overview(
            scene=fresh(interfaces.SCENE),
            policy=self._answer(fresh(interfaces.POLICY_OUTPUT)),
            expert=self._answer(fresh(interfaces.EXPERT_OUTPUT)),
            standing=standing if standing is not None else fresh(interfaces.ARBITER_STATE, STANDING_S),
            request=fresh(interfaces.REQUEST),
            ages={name: age(one) for name, one in AGED.items()},
            stale_s=stale_s,
            optional=frozenset(name for name in OPTIONAL if age(AGED[name]) is None or name == "person"),
        )

    def _answer(self, output: Any) -> Answer | None:
        """The output with its origin; None where its scene did not come in (best effort), so that it has none."""
        origin = None if output is None else self._poses.get(output.stamp)
        return None if origin is None else Answer(output, origin)


def standing_from_status(msg: Any) -> Standing:
    """What a takead_ros/OperatorStatus says. Raises TakeadError for numbers that mean nothing."""
    return Standing(
        member(_MODES, msg.mode, "OperatorStatus.mode"),
        member(_SOURCES, msg.lateral_source, "OperatorStatus.lateral_source"),
        member(_SOURCES, msg.longitudinal_source, "OperatorStatus.longitudinal_source"),
        member(_ALARMS, msg.alarm, "OperatorStatus.alarm"),
        msg.who,
        msg.why,
        msg.asked_text,
        msg.goes_on,
    )


def standing_from_state(msg: Any) -> Standing:
    """The same, as far as a takead_ros/ArbiterState has it: clips have no operator/status."""
    report = convert.arbiter_from_msg(msg)
    alarm = NoticeLevel.ACT if report.mode in (ArbiterMode.MRM, ArbiterMode.STOPPED) else NoticeLevel.CALM
    who = who_drives(report.lateral, report.longitudinal)
    return Standing(report.mode, report.lateral, report.longitudinal, alarm, who, report.reason)
