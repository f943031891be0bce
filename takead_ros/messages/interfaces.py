"""The one table of topics and services: name, type, QoS, period and who offers it (DESIGN section 4).

Nodes, recorder, reader, replay, tests and the table in docs/ros2.md all take them from here. It lies with the messages
and not with the nodes, because the recorder and the reader of clips use it and know no node; for the same reason QoS
is plain data here, of which ``host.qos.profile`` makes the middleware's profile.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.messages import ros_types, types

SCENE_PERIOD_S = 0.05  # of the simulator or the vehicle
ANSWER_PERIOD_S = 0.1  # of policy and expert, who answer the same scenes
COMMAND_PERIOD_S = 0.05  # the arbiter's tick
_FLAGS = ("", "latched", "best_effort")


@dataclass(frozen=True)
class Qos:
    """Quality of service; names and meanings are DDS's. ``deadline_s``: the longest gap that is promised."""

    depth: int
    reliable: bool = True
    latched: bool = False  # transient local: who comes later still gets the last ``depth`` messages
    deadline_s: float | None = None

    def __str__(self) -> str:
        kind = "transient local" if self.latched else "reliable" if self.reliable else "best effort"
        deadline = "" if self.deadline_s is None else f", deadline {self.deadline_s:g} s"
        return f"{kind}, {self.depth}{deadline}"


@dataclass(frozen=True)
class Interface:
    """A topic. ``name`` is relative to the ego's namespace unless it begins with a slash.

    sender: who publishes it and when, for people. period_s: between two messages, or None where they come on events.
    stamped_period: whether its header stamps are ``period_s`` apart as well, so that a gap in them is a loss (a command
    bears the stamp of the output that it was computed from, which comes at half its rate). recorded: the recorder
    takes it into every clip.
    """

    name: str
    type: str
    qos: Qos
    sender: str
    period_s: float | None = None
    stamped_period: bool = False
    recorded: bool = False

    @property
    def message(self) -> Any:
        """The message class."""
        return types.message(self.type)

    def full_name(self, namespace: str) -> str:
        """The topic's name where the ego's namespace is ``namespace``, as ROS resolves it."""
        return self.name if self.name.startswith("/") else f"{namespace.rstrip('/')}/{self.name}"

    def matches(self, topic: str, type_name: str) -> bool:
        """Whether a recorded topic is this one, whatever the namespace that it was recorded in."""
        return find_interface(topic, type_name) is self


@dataclass(frozen=True)
class Service:
    """A service, named relative to the ego's namespace; ``server``: who offers it and what for, for people."""

    name: str
    type: str
    server: str

    @property
    def service(self) -> Any:
        """The service class."""
        return types.service(self.type)


EPISODE = Interface(
    "episode",
    "takead_ros/msg/Episode",
    Qos(1, latched=True),
    "simulator_node or vehicle_node, at each new start",
    recorded=True,
)
SCENE = Interface(
    "scene",
    "takead_ros/msg/Scene",
    Qos(1, reliable=False),
    "simulator_node or vehicle_node, 20 Hz",
    SCENE_PERIOD_S,
    stamped_period=True,
    recorded=True,
)
SCENE_TRUTH = Interface(
    "scene/truth",
    "takead_ros/msg/Scene",
    Qos(1, reliable=False),
    "simulator_node, before `scene`, where its `perception` makes `scene` something else",
    SCENE_PERIOD_S,
    stamped_period=True,
    recorded=True,
)
POLICY_OUTPUT = Interface(
    "policy/output",
    "takead_ros/msg/PolicyOutput",
    Qos(1),
    "policy_node, 10 Hz, whoever drives",
    ANSWER_PERIOD_S,
    stamped_period=True,
    recorded=True,
)
EXPERT_OUTPUT = Interface(
    "expert/output",
    "takead_ros/msg/PolicyOutput",
    Qos(1),
    "expert_node, 10 Hz, whoever drives, on the same scenes",
    ANSWER_PERIOD_S,
    stamped_period=True,
    recorded=True,
)
HUMAN_COMMAND = Interface(
    "human/command", "takead_ros/msg/DriveCommand", Qos(1), "joystick_node, for every usable `/joy`", recorded=True
)
REQUEST = Interface(
    "takeover/request",
    "takead_ros/msg/TakeoverRequest",
    Qos(10),
    "monitor_node, at every tick while a trigger is active, else 10 Hz",
    recorded=True,
)
COMMAND = Interface(
    "command",
    "takead_ros/msg/DriveCommand",
    Qos(1, deadline_s=2.0 * COMMAND_PERIOD_S),
    "arbiter_node, 20 Hz by the steady clock, without exception",
    COMMAND_PERIOD_S,
    recorded=True,
)
ARBITER_STATE = Interface(
    "arbiter/state",
    "takead_ros/msg/ArbiterState",
    Qos(1, latched=True),
    "arbiter_node, on change and every second",
    recorded=True,
)
EVENT = Interface(
    "takeover/event", "takead_ros/msg/TakeoverEvent", Qos(50), "arbiter_node, at start, handback and end", recorded=True
)
OPERATOR_STATUS = Interface(
    "operator/status",
    "takead_ros/msg/OperatorStatus",
    Qos(1, latched=True),
    "arbiter_node, on change and every second: who drives, why, and what is asked of the person",
)
JOY = Interface("/joy", "sensor_msgs/msg/Joy", Qos(5, reliable=False), "joy_node or another driver")
JOY_FEEDBACK = Interface(
    "/joy/set_feedback",
    "sensor_msgs/msg/JoyFeedback",
    Qos(10),
    "joystick_node, at each pulse that the person is to feel; joy_node makes it the device's rumble",
)
CLOCK = Interface(
    "/clock",
    "rosgraph_msgs/msg/Clock",
    Qos(1, reliable=False),
    "simulator_node or the bridge; the other nodes run with `use_sim_time`",
    SCENE_PERIOD_S,
)
DIAGNOSTICS = Interface(
    "/diagnostics",
    "diagnostic_msgs/msg/DiagnosticArray",
    Qos(10),
    "every node, every second; for people and monitors, no node reads it",
    1.0,
)
DISPLAY = Interface(
    "display/markers",
    "visualization_msgs/msg/MarkerArray",
    Qos(1, reliable=False),
    "display_node, 10 Hz while somebody watches; for RViz and Foxglove",
)
# In clips only: the recorder writes one for each scene.
CLIP_LABEL = Interface("clip/label", "std_msgs/msg/String", Qos(10), "recorder_node, into the clip only")

TOPICS = (
    EPISODE,
    SCENE,
    SCENE_TRUTH,
    POLICY_OUTPUT,
    EXPERT_OUTPUT,
    HUMAN_COMMAND,
    REQUEST,
    COMMAND,
    ARBITER_STATE,
    EVENT,
    OPERATOR_STATUS,
    JOY,
    JOY_FEEDBACK,
    CLOCK,
    DIAGNOSTICS,
    DISPLAY,
)
RECORDED = tuple(interface for interface in TOPICS if interface.recorded)


@functools.lru_cache(maxsize=1024)
def find_interface(topic: str, type_name: str) -> Interface | None:
    """The interface that a recorded topic is, whatever its namespace: the one with the longest name that fits, so that
    ``/takead/human/command`` is no ``command``."""
    fitting = [
        one
        for one in (*TOPICS, CLIP_LABEL)
        if one.type == type_name and f"/{topic}".endswith(f"/{one.name.lstrip('/')}")
    ]
    return max(fitting, key=lambda one: len(one.name), default=None)


ENGAGE = Service("engage", "takead_ros/srv/Engage", "arbiter_node: let the automation drive")
DISENGAGE = Service("disengage", "takead_ros/srv/Disengage", "arbiter_node: brake to a standstill")
BOOKMARK = Service("recorder/bookmark", "takead_ros/srv/Bookmark", "recorder_node: a clip of now")
LOAD_MODEL = Service("policy/load_model", "takead_ros/srv/LoadModel", "policy_node: change to another model")
SERVICES = (ENGAGE, DISENGAGE, BOOKMARK, LOAD_MODEL)


def parse_topic(text: str, what: str) -> Interface:
    """The topic that ``text`` names: one of the table, or ``/name:package/msg/Type[:latched|:best_effort]``.

    Raises TakeadError that says ``what`` it is for where it names none, or a type that is not known here.
    """
    for one in TOPICS:
        if text == one.name:
            return one
    name, _, rest = text.partition(":")
    kind, _, flag = rest.partition(":")
    form = re.fullmatch(r"(/[A-Za-z_][A-Za-z0-9_]*)+", name) and kind.count("/") == 2 and flag in _FLAGS
    if not form or not ros_types.known(kind):
        raise TakeadError(
            f"{what}: '{text}', expected a topic of ours or /name:package/msg/Type with a known message type (under "
            "ROS 2: of a sourced package), and :latched or :best_effort behind it where it applies"
        )
    return Interface(name, kind, Qos(100, reliable=flag != "best_effort", latched=flag == "latched"), what)


def topics_table() -> str:
    """The topics as a Markdown table."""
    lines = ["| topic | type | from | QoS |", "|---|---|---|---|"]
    for one in TOPICS:
        package, _, name = one.type.split("/")
        shown = name if package == "takead_ros" else f"{package}/{name}"
        lines.append(f"| `{one.name}` | {shown} | {one.sender} | {one.qos} |")
    return "\n".join(lines) + "\n"


def services_table() -> str:
    """The services as a Markdown table."""
    lines = ["| service | type | by |", "|---|---|---|"]
    lines += [f"| `{one.name}` | {one.type.rsplit('/', 1)[1]} | {one.server} |" for one in SERVICES]
    return "\n".join(lines) + "\n"
