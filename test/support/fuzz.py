"""Any message on any topic: odd values in every field of every type, and nodes in a lockstep host to be shown them.

What a node must do with it is written down here (``Subject.check``): it never raises, what it says is finite and known,
and once sense comes back, so does the node.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype

from support.expert_road import make_scene, standing, straight
from takead_ros.domain.driving import DriveCommand, DriverOutput, EventKind, Plan, Source, TakeoverEvent, Trigger
from takead_ros.domain.driving import TakeoverRequest as Request
from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.domain.scene import EgoState
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import codec, convert, interfaces, store, types
from takead_ros.messages.interfaces import Interface

Random = np.random.Generator
SIZES = (0, 1, 2, 3, 8, 60)
WORDS = ("", "policy", "expert", "x" * 3000, "é漢\U0001f697\n\t", "[red]bold[/red]", "../../etc/passwd", "nan")
REALS = (0.0, -0.0, math.nan, math.inf, -math.inf, 1e-310, 1.0, -1.0, 1e9, -1e9, 1e300, -1e300)


def odd_value(node: int, detail: Any, random: Random) -> Any:
    """A value for a field of that kind, often one that nobody expects."""
    if node == Nodetype.NAME:
        return odd_message(detail, random)
    if node == Nodetype.BASE:
        return odd_scalar(detail[0], random)
    (element, element_detail), count = detail
    size = count if node == Nodetype.ARRAY else int(random.choice(SIZES))
    return [odd_value(element, element_detail, random) for _ in range(size)]


def odd_message(name: str, random: Random) -> Any:
    fields = store.typestore().fielddefs[name][1]
    return store.message_class(name)(*(odd_value(node, detail, random) for _, (node, detail) in fields))


def odd_scalar(base: str, random: Random) -> Any:
    if base == "string":
        return WORDS[random.integers(len(WORDS))]
    if base == "bool":
        return bool(random.integers(2))
    if base.startswith("float"):
        value = (
            REALS[random.integers(len(REALS))] if random.integers(2) else random.normal() * 10.0 ** random.integers(6)
        )
        with np.errstate(over="ignore"):
            return float(np.float32(value)) if base == "float32" else float(value)
    limits = np.iinfo({"byte": "uint8", "char": "uint8"}.get(base, base))
    some = (0, 1, 2, int(limits.max), int(limits.min), int(random.integers(limits.min, limits.max, dtype=limits.dtype)))
    return some[random.integers(len(some))]


def mutate(msg: Any, random: Random) -> Any:
    """A copy of a message with one to three odd fields, anywhere in it."""
    name = codec.type_name(msg)
    copy = codec.deserialize(codec.serialize(msg), name)
    for _ in range(random.integers(1, 4)):
        _change(copy, name, random)
    return copy


def _change(msg: Any, name: str, random: Random) -> None:
    fields = store.typestore().fielddefs[name][1]
    field_name, (node, detail) = fields[random.integers(len(fields))]
    value = getattr(msg, field_name)
    if node == Nodetype.NAME:
        _change(value, detail, random)
    elif node == Nodetype.SEQUENCE and detail[0][0] == Nodetype.NAME and len(value) and random.integers(4):
        _change(value[random.integers(len(value))], detail[0][1], random)
    elif node == Nodetype.SEQUENCE and len(value) and random.integers(2):
        kept = list(value)
        kept[random.integers(len(kept))] = odd_value(*detail[0], random)
        setattr(msg, field_name, kept)
    else:
        setattr(msg, field_name, odd_value(node, detail, random))


# what makes sense ---------------------------------------------------------------------------------------------------

ROAD = straight(1.75)


def sensible(interface: Interface, stamp: int, origin: int = 0) -> Any:
    """A message of ``interface`` as it should be, at ``stamp`` ns of a drive that began at ``origin`` ns."""
    if interface is interfaces.SCENE:
        x = 8.0 * (stamp - origin) / SECOND % 60.0
        return convert.scene_to_msg(
            replace(make_scene(ROAD, EgoState(x, 0.0, 0.0, 8.0), [standing(5, x + 60.0)]), stamp=stamp)
        )
    if interface in (interfaces.POLICY_OUTPUT, interfaces.EXPERT_OUTPUT):
        ahead = 4.0 * np.arange(1.0, 9.0)
        plan = Plan(ahead, np.zeros(8), np.zeros(8), np.full(8, 8.0))
        source = "policy" if interface is interfaces.POLICY_OUTPUT else "expert"
        return convert.driver_to_msg(
            DriverOutput(
                stamp, source, plan, np.stack([ahead, np.zeros(8)], -1)[None], np.zeros(1), np.arange(8.0),
                np.full(8, 0.125), 0.0, 0.0, 0.0, 0.1,
            )
        )  # fmt: skip
    if interface in (interfaces.COMMAND, interfaces.HUMAN_COMMAND):
        who = Source.POLICY if interface is interfaces.COMMAND else Source.HUMAN
        return convert.command_to_msg(DriveCommand(stamp, 0.05, 0.5, who, who))
    if interface is interfaces.REQUEST:
        return convert.request_to_msg(Request(stamp, Trigger.NONE, 0.0, None, 0, ""))
    if interface is interfaces.EVENT:
        event = TakeoverEvent(stamp, EventKind.END, 1, Source.EXPERT, Trigger.STUCK, 0.5, None, "x")
        return convert.event_to_msg(event)
    if interface is interfaces.EPISODE:
        return convert.episode_to_msg(EpisodeIdentity(0, "fuzz", "none", 1, "", "", "fuzz 1"))
    if interface is interfaces.JOY:
        header = convert.header_to_msg(stamp, "")
        return types.Joy(header=header, axes=[0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0], buttons=[0] * 11)
    return interface.message()


# subjects -----------------------------------------------------------------------------------------------------------


@dataclass
class Subject:
    """A node under fuzz. inputs: what it reads. said: what it says. check: raises AssertionError for a word that must
    not be said. sane: whether it has recovered, from what it said since sense came back. sensible: see there."""

    make: Callable[[LockstepHost], Any]
    inputs: tuple[Interface, ...]
    said: tuple[Interface, ...]
    check: Callable[[Interface, Any], None]
    sane: Callable[[dict[str, list[Any]]], bool]
    services: tuple[Any, ...] = ()
    sensible: Callable[[Interface, int, int], Any] = sensible
    heard: dict[str, list[Any]] = field(default_factory=dict)


def fuzz(subject: Subject, count: int, seed: int) -> dict[str, int]:
    """Show ``count`` messages to a fresh node, then two seconds of sense; how many of what it said.

    Raises AssertionError where it says what it must not, stays silent or insane; and whatever it raises.
    """
    random, host = np.random.default_rng(seed), LockstepHost(SECOND)
    node = subject.make(host)
    other = host.create_node("fuzz")
    publishers = [(one, wiring.publisher(other, one)) for one in subject.inputs]
    clients = [(one, wiring.client(other, one)) for one in subject.services]
    counts: dict[str, int] = {}

    def listen(one: Interface) -> Callable[[Any], None]:
        def hear(msg: Any) -> None:
            counts[one.name] = counts.get(one.name, 0) + 1
            subject.check(one, msg)
            subject.heard.setdefault(one.name, []).append(msg)
            del subject.heard[one.name][:-200]

        return hear

    for one in (*subject.said, interfaces.DIAGNOSTICS):
        wiring.subscription(other, one, listen(one))
    try:
        for _ in range(count):
            if clients and not random.integers(20):
                service, client = clients[random.integers(len(clients))]
                client.call_async(odd_message(f"{service.type}_Request", random))
            one, publisher = publishers[random.integers(len(publishers))]
            publisher.publish(_any(subject, one, host.clock.nanoseconds, random))
            host.advance(int(random.choice([0, 1_000_000, 7_000_000, 60_000_000])))
        subject.heard.clear()
        origin = host.clock.nanoseconds
        for _ in range(80):
            for one, publisher in publishers:
                publisher.publish(subject.sensible(one, host.clock.nanoseconds, origin))
            host.advance(50_000_000)
        assert subject.sane(subject.heard), f"no sense again after {count} messages (seed {seed})"
    finally:
        if hasattr(node, "close"):
            node.close()
    return counts


def _any(subject: Subject, one: Interface, stamp: int, random: Random) -> Any:
    kind = random.integers(10)
    if kind == 0:
        return odd_message(one.type, random)
    if kind <= 2:
        return subject.sensible(one, stamp, 0)
    at = stamp + int(random.choice([0, -SECOND, SECOND, -(10**7)]))
    return mutate(subject.sensible(one, at, 0), random)


def garbage(data: bytes, random: Random) -> bytes:
    """Serialized data as a broken sender or wire would deliver it."""
    kind = random.integers(4)
    if kind == 0:
        return data[: random.integers(len(data) + 1)]
    if kind == 1:
        return bytes(random.integers(0, 256, random.integers(200), dtype=np.uint8))
    changed = bytearray(data)
    for _ in range(random.integers(1, 20)):
        if changed:
            changed[random.integers(len(changed))] = int(random.integers(256))
    return bytes(changed)


def finite(*values: Any) -> bool:
    return all(bool(np.isfinite(np.asarray(value, dtype=float)).all()) for value in values)


def _check_command(one: Interface, msg: Any) -> None:
    if one is interfaces.COMMAND:
        command = convert.command_from_msg(msg)
        assert finite(command.steering_angle, command.acceleration, command.lateral_age, command.longitudinal_age)
        assert abs(command.steering_angle) <= 0.91 and -12.0 <= command.acceleration <= 8.0, command
    elif one is interfaces.ARBITER_STATE:
        convert.arbiter_from_msg(msg)
    elif one is interfaces.EVENT:
        assert finite(convert.event_from_msg(msg).severity)


def _check_answer(one: Interface, msg: Any) -> None:
    if one in (interfaces.POLICY_OUTPUT, interfaces.EXPERT_OUTPUT):
        output = convert.driver_from_msg(msg)
        if output.status == 0:
            plan = output.plan
            assert finite(output.steering_angle, output.acceleration, plan.x, plan.y, plan.yaw, plan.speed)
        else:
            assert output.status_text


def _check_scene(one: Interface, msg: Any) -> None:
    if one is interfaces.SCENE:
        ego = convert.scene_from_msg(msg).ego
        assert finite(ego.x, ego.y, ego.yaw, ego.speed, ego.steering_angle, ego.acceleration)
    elif one is interfaces.EPISODE:
        assert convert.episode_from_msg(msg).scenario == "broken_down_car"


def _check_request(one: Interface, msg: Any) -> None:
    if one is interfaces.REQUEST:
        request = convert.request_from_msg(msg)
        assert finite(request.severity, request.time_to_event or 0.0), request


def _check_joystick(one: Interface, msg: Any) -> None:
    if one is interfaces.HUMAN_COMMAND:
        _check_command(interfaces.COMMAND, msg)
    elif one is interfaces.JOY_FEEDBACK:
        assert 0.0 <= msg.intensity <= 1.0 and msg.type == types.JoyFeedback.TYPE_RUMBLE


def _check_markers(one: Interface, msg: Any) -> None:
    if one is interfaces.DISPLAY:
        keys = [(marker.ns, marker.id) for marker in msg.markers]
        assert len(set(keys)) == len(keys)
        for marker in msg.markers:
            place, scale = marker.pose.position, marker.scale
            assert finite(place.x, place.y, place.z, scale.x, scale.y, scale.z, marker.color.a), marker
            assert finite([(point.x, point.y, point.z) for point in marker.points]), marker


def subjects(folder: Path) -> Iterator[tuple[str, Subject]]:
    """Every node that reads messages, by name. ``folder``: for the recorder's clips."""
    from takead_ros.nodes.arbiter_node import ArbiterNode
    from takead_ros.nodes.display_inputs import SHOWN
    from takead_ros.nodes.display_node import DisplayNode
    from takead_ros.nodes.expert_node import ExpertNode
    from takead_ros.nodes.joystick_node import JoystickNode
    from takead_ros.nodes.monitor_node import MonitorNode
    from takead_ros.nodes.policy_node import PolicyNode
    from takead_ros.nodes.recorder_node import RecorderNode
    from takead_ros.policy.model import load_model
    from takead_ros.resources import resource

    def node(kind: Any, *more: Any, **parameters: Any) -> Callable[[LockstepHost], Any]:
        return lambda host: kind(host.create_node(kind.NAME, parameter_overrides=parameters), host.steady, *more)

    i = interfaces
    if importlib.util.find_spec("metadrive") is not None:
        from takead_ros.nodes.simulator_node import SimulatorNode

        yield (
            "simulator",
            Subject(
                node(SimulatorNode, family="broken_down_car", wait_for_driver_s=1.0),
                (i.COMMAND,),
                (i.SCENE, i.EPISODE),
                _check_scene,
                lambda heard: len(heard["scene"]) >= 60,
            ),
        )
    drivers = (i.SCENE, i.POLICY_OUTPUT, i.EXPERT_OUTPUT)
    yield (
        "arbiter",
        Subject(
            node(ArbiterNode, auto_engage=True),
            (*drivers, i.HUMAN_COMMAND, i.REQUEST),
            (i.COMMAND, i.ARBITER_STATE, i.EVENT),
            _check_command,
            lambda heard: len(heard["command"]) >= 75,
            (i.ENGAGE, i.DISENGAGE),
        ),
    )
    yield (
        "monitor",
        Subject(
            node(MonitorNode),
            drivers,
            (i.REQUEST,),
            _check_request,
            lambda heard: heard["takeover/request"][-1].trigger == Trigger.NONE,
        ),
    )
    yield (
        "policy",
        Subject(
            node(PolicyNode, load_model(resource("models/novice.onnx"))),
            (i.SCENE,),
            (i.POLICY_OUTPUT,),
            _check_answer,
            lambda heard: heard["policy/output"][-1].status == 0,
            (i.LOAD_MODEL,),
        ),
    )
    yield (
        "expert",
        Subject(
            node(ExpertNode),
            (i.SCENE,),
            (i.EXPERT_OUTPUT,),
            _check_answer,
            lambda heard: heard["expert/output"][-1].status == 0,
        ),
    )
    yield (
        "joystick",
        Subject(
            node(JoystickNode),
            (i.JOY, i.OPERATOR_STATUS),
            (i.HUMAN_COMMAND, i.JOY_FEEDBACK),
            _check_joystick,
            lambda heard: len(heard["human/command"]) >= 75,
        ),
    )
    yield (
        "recorder",
        Subject(
            node(RecorderNode, directory=str(folder), wait_for_disk=True, max_clip_s=20.0),
            i.RECORDED,
            (),
            lambda one, msg: None,
            lambda heard: heard["/diagnostics"][-1].status[0].level != types.DiagnosticStatus.ERROR,
            (i.BOOKMARK,),
        ),
    )
    yield (
        "display",
        Subject(
            node(DisplayNode),
            SHOWN,
            (i.DISPLAY,),
            _check_markers,
            lambda heard: {marker.ns for marker in heard["display/markers"][-1].markers} >= {"ego", "policy", "status"},
        ),
    )
