"""A clip as it was driven: every scene, the world behind it, and the command that led to the next one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from takead_ros.domain.driving import DriveCommand
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Polyline, Scene
from takead_ros.messages import codec, convert, interfaces
from takead_ros.recording import bag
from takead_ros.recording.gaps import header_stamp

STILL_M = 1e-4  # a scene in which a moving vehicle has come no farther is the one before, told again


@dataclass(frozen=True)
class Tick:
    """A recorded moment; ``stamp`` ns. world: the truth where the bag has it, else the scene; without its polylines.
    command: the last one given before the next scene, which is the one that led to it; None where there was none."""

    stamp: int
    world: Scene
    command: DriveCommand | None


@dataclass(frozen=True)
class Driven:
    """All ticks of a clip, in order, and its map: every polyline that one of them shows, by number.

    perceived: the policy was shown something else than the world (``scene/truth`` is there)."""

    ticks: list[Tick]
    polylines: tuple[Polyline, ...]
    perceived: bool


@dataclass
class _OpenTick:
    scene: bytes
    command: bytes | None = None


def driven(path: Path) -> Driven:
    """Read ``path``. Raises TakeadError for a bag that is none, is damaged, is of another version of the interfaces, or
    holds no scene; and where its clock goes back."""
    opened: list[_OpenTick] = []
    truths: dict[int, bytes] = {}
    checked: set[str] = set()
    for message in bag.read(path):
        found = interfaces.find_interface(message.topic, message.type)
        if found not in (interfaces.SCENE, interfaces.SCENE_TRUTH, interfaces.COMMAND):
            continue
        if message.topic not in checked:
            checked.add(message.topic)
            _check_version(path, message)
        if found is interfaces.SCENE:
            opened.append(_OpenTick(message.data))
        elif found is interfaces.SCENE_TRUTH:
            truths[header_stamp(message.data)] = message.data
        elif opened:
            opened[-1].command = message.data
    if not opened:
        raise TakeadError(f"clip '{path}': no messages on '.../scene'; expected a clip recorded by takead_ros")
    lines: dict[int, Polyline] = {}
    ticks: list[Tick] = []
    for one in opened:
        tick = _tick(one, truths, lines)
        if ticks and tick.stamp <= ticks[-1].stamp:
            raise TakeadError(
                f"clip '{path}': topic '.../scene': stamp {tick.stamp} ns after {ticks[-1].stamp} ns; expected stamps "
                "that rise (the clock went back: these are two drives)"
            )
        ticks.append(tick)
    return Driven(_without_waiting(ticks), tuple(lines[number] for number in sorted(lines)), bool(truths))


def _check_version(path: Path, message: bag.BagMessage) -> None:
    other = codec.other_fields(message.type, message.definition)
    if other:
        raise TakeadError(
            f"clip '{path}': topic '{message.topic}': {other[0]} has other fields than here; expected a clip of this "
            "version of takead_ros's interfaces"
        )


def _tick(one: _OpenTick, truths: dict[int, bytes], lines: dict[int, Polyline]) -> Tick:
    stamp = header_stamp(one.scene)
    world: Any = codec.deserialize(truths.get(stamp, one.scene), interfaces.SCENE.type)
    for line in world.polylines:
        if line.id not in lines:
            lines[line.id] = convert.polyline_from_msg(line)
    world.polylines = []
    command = one.command and convert.command_from_msg(codec.deserialize(one.command, interfaces.COMMAND.type))
    return Tick(stamp, convert.scene_from_msg(world), command or None)


def _without_waiting(ticks: list[Tick]) -> list[Tick]:
    """Without the beginning in which a world waited for its driver: it is shown again and again, and stands still."""
    first = 0
    while first + 1 < len(ticks):
        here, then = ticks[first].world.ego, ticks[first + 1].world.ego
        if abs(here.speed) < 0.1 or math.dist((here.x, here.y), (then.x, then.y)) > STILL_M:
            break
        first += 1
    return ticks[first:]
