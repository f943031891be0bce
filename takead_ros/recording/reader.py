"""Clips as training and replay need them: frames in which everything answers the same scene."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from takead_ros.domain.driving import ArbiterMode, DriveCommand, DriverOutput
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.domain.units import SECOND
from takead_ros.messages import codec, convert, interfaces
from takead_ros.messages.interfaces import Interface
from takead_ros.recording.bag import BagMessage, read
from takead_ros.recording.clip import Label
from takead_ros.recording.gaps import header_stamp

FRAME_TOPICS = (
    interfaces.SCENE,
    interfaces.SCENE_TRUTH,
    interfaces.POLICY_OUTPUT,
    interfaces.EXPERT_OUTPUT,
    interfaces.COMMAND,
    interfaces.ARBITER_STATE,
    interfaces.CLIP_LABEL,
)
_HORIZON = 3 * SECOND  # an answer that comes later than this after its scene is not waited for


@dataclass(frozen=True)
class Frame:
    """One observation with all that answers it. ``stamp`` ns.

    policy, expert: their outputs for this very scene (by header stamp). command: the first one given after the scene
    came in, whoever drove. mode: the arbiter's state in force at the stamp. truth: the world as it was, where the scene
    is what a simulated perception made of it. others: the newest message of each further topic that was asked for, as
    a policy had it when the scene came in; a topic that was not heard yet is missing.
    """

    stamp: int
    scene: Scene
    policy: DriverOutput | None
    expert: DriverOutput | None
    command: DriveCommand | None
    label: Label
    mode: ArbiterMode | None
    truth: Scene | None = None
    others: Mapping[str, object] = field(default_factory=dict)

    @property
    def world(self) -> Scene:
        """The world as it was, as far as the clip knows it: what measures are to be taken by."""
        return self.scene if self.truth is None else self.truth


@dataclass
class _OpenFrame:
    """A scene that may still get answers, or answers whose scene is still to come; serialized."""

    received: int  # by whichever came first
    scene_received: int = 0
    scene: bytes | None = None
    truth: bytes | None = None
    policy: bytes | None = None
    expert: bytes | None = None
    command: bytes | None = None
    others: Mapping[str, bytes] = field(default_factory=dict)


@dataclass
class _Aligner:
    origin: Path
    further: Mapping[str, Interface] = field(default_factory=dict)  # topics that are handed on as they are, by name
    newest: dict[str, bytes] = field(default_factory=dict)  # of those, the last message
    open: dict[int, _OpenFrame] = field(default_factory=dict)  # by header stamp, in order of arrival
    latest: _OpenFrame | None = None  # the scene that came in last
    labels: dict[int, deque[Label]] = field(default_factory=dict)  # by receive stamp of their scenes, in order
    modes: list[tuple[int, ArbiterMode]] = field(default_factory=list)
    seen: set[Interface] = field(default_factory=set)

    def take(self, message: BagMessage) -> None:
        for name, interface in self.further.items():
            if _is(message, interface):
                self.newest[name] = message.data
        found = interfaces.find_interface(message.topic, message.type)
        if found not in FRAME_TOPICS:
            return
        self.seen.add(found)
        stamp, data = header_stamp(message.data), message.data
        if found is interfaces.CLIP_LABEL:
            self.labels.setdefault(message.stamp, deque()).append(self._label(data))
        elif found is interfaces.ARBITER_STATE:
            self.modes.append((stamp, convert.arbiter_from_msg(codec.deserialize(data, found.type)).mode))
        elif found is interfaces.COMMAND:
            if self.latest is not None and self.latest.command is None:
                self.latest.command = data
        else:
            # Under ROS 2 an answer may come in before its scene.
            entry = self.open.setdefault(stamp, _OpenFrame(message.stamp))
            if found is interfaces.SCENE:
                entry.scene, entry.scene_received, self.latest = data, message.stamp, entry
                entry.others = dict(self.newest)
            elif found is interfaces.SCENE_TRUTH:
                entry.truth = data
            else:
                setattr(entry, "policy" if found is interfaces.POLICY_OUTPUT else "expert", data)

    def ready(self, now: int) -> Iterator[Frame]:
        """The frames that are complete at receive stamp ``now``; forgets them."""
        for stamp in list(self.open):
            if now - self.open[stamp].received <= _HORIZON:
                return
            frame = self._frame(stamp, self.open.pop(stamp))
            if frame is not None:
                yield frame

    def _frame(self, stamp: int, raw: _OpenFrame) -> Frame | None:
        if raw.scene is None:
            return None  # the answer to a scene before the clip's first one
        waiting = self.labels.get(raw.scene_received)
        label = waiting.popleft() if waiting else None
        if raw.policy is None and raw.expert is None:
            return None
        if label is None:
            raise TakeadError(
                f"bag '{self.origin}': the scene at {stamp} ns has no message on clip/label; expected one for each "
                "scene, as the recorder writes it (try: takead clips recover)"
            )
        command = raw.command and convert.command_from_msg(codec.deserialize(raw.command, interfaces.COMMAND.type))
        at = bisect_right(self.modes, stamp, key=lambda item: item[0]) - 1
        return Frame(
            stamp=stamp,
            scene=convert.scene_from_msg(codec.deserialize(raw.scene, interfaces.SCENE.type)),
            truth=None
            if raw.truth is None
            else convert.scene_from_msg(codec.deserialize(raw.truth, interfaces.SCENE_TRUTH.type)),
            policy=_output(raw.policy),
            expert=_output(raw.expert),
            command=command or None,
            label=label,
            mode=self.modes[at][1] if at >= 0 else None,
            others={name: codec.deserialize(one, self.further[name].type) for name, one in raw.others.items()},
        )

    def _label(self, data: bytes) -> Label:
        text = codec.deserialize(data, interfaces.CLIP_LABEL.type).data
        try:
            return Label(text)
        except ValueError:
            raise TakeadError(
                f"bag '{self.origin}': label '{text}' on clip/label; expected one of {', '.join(Label)}"
            ) from None


def _is(message: BagMessage, interface: Interface) -> bool:
    """Whether a message is of a topic of the table, in whatever namespace, or of exactly that other one."""
    table = interfaces.find_interface(message.topic, message.type)
    return table is interface or (message.topic, message.type) == (interface.name, interface.type)


def _output(data: bytes | None) -> DriverOutput | None:
    return None if data is None else convert.driver_from_msg(codec.deserialize(data, interfaces.POLICY_OUTPUT.type))


def frames(path: Path | str, needs: Sequence[str] = ()) -> Iterator[Frame]:
    """The frames of a clip in time order: every scene that the policy or the expert answered (10 Hz).

    ``needs``: the topics of a policy format; those beside the scene come in ``Frame.others``. Raises
    TakeadError for a bag that is none, is damaged, or lacks the topics of a takead clip.
    """
    path = Path(path)
    further = {
        name: interfaces.parse_topic(name, "a format's needs") for name in needs if name != interfaces.SCENE.name
    }
    aligner = _Aligner(path, further)
    for message in read(path):
        aligner.take(message)
        yield from aligner.ready(message.stamp)
    missing = [one for one in (interfaces.SCENE, interfaces.CLIP_LABEL) if one not in aligner.seen]
    if not aligner.seen & {interfaces.POLICY_OUTPUT, interfaces.EXPERT_OUTPUT}:
        missing.append(interfaces.POLICY_OUTPUT)
    if missing:
        wanted = ", ".join(f"'.../{one.name}' ({one.type})" for one in missing)
        raise TakeadError(f"bag '{path}': no messages on {wanted}; expected a clip recorded by takead_ros")
    yield from aligner.ready(1 << 62)
