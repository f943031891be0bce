"""Calls with plausible arguments, of every name, and what becomes of them when they are damaged."""

from __future__ import annotations

import json
import random
from typing import Any

import msgpack

from takead_ros.simulators.carla_server.layout_from_library import FOLDER
from takead_ros.simulators.carla_server.server import METHODS

TABLE = json.loads((FOLDER / "0.9.16.json").read_text(encoding="utf-8"))
JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, -(2**63), 1e300, float("nan"), float("inf"), "", "x" * 300, b"\xff\xfe", [], [[]],
    {}, [[[[[1]]]]], "vehicle.tesla.model3", "straight", "crossing", 1, 2, 3, 0.5,
)  # fmt: skip


def sample(kind: str, rng: random.Random) -> Any:
    """A value of a type of the layout's grammar."""
    if kind == "int":
        return rng.choice([0, 1, 2, 3, 5, 8, 2000])
    if kind == "float":
        return rng.choice([0.0, 1.0, 0.05, -3.5, 20.0])
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "str":
        return rng.choice(["vehicle.tesla.model3", "walker.pedestrian.0001", "straight", "sensor.other.imu", ""])
    if kind == "bytes":
        return b"ab"
    if kind == "any":
        return [1, 2]
    if kind == "Command":
        index = rng.randrange(len(TABLE["commands"]))
        return [[index, [sample(part, rng) for _, part in TABLE["commands"][index][1]]]]
    if kind in TABLE["structs"]:
        return [sample(part, rng) for _, part in TABLE["structs"][kind]]
    if kind in TABLE["enums"]:
        return rng.choice(list(TABLE["enums"][kind].values()))
    form, _, inner = kind.partition(":")
    if form == "list":
        return [sample(inner, rng) for _ in range(rng.randrange(3))]
    if form == "optional":
        return rng.choice([[False], [True, sample(inner, rng)]])
    assert form == "pair", kind
    return [sample(part, rng) for part in inner.split(",")]


def call(rng: random.Random) -> list[Any]:
    """A whole request."""
    name = rng.choice([*METHODS, "tick_cue"])
    kinds = METHODS[name].arguments if name in METHODS else ()
    arguments = [sample(kind, rng) for kind in kinds]
    if name == "apply_batch":
        arguments[0] = [sample("Command", rng) for _ in range(rng.randrange(4))]
    return [0, rng.randrange(2**32), name, [[rng.random() < 0.5], *arguments]]


def damaged(rng: random.Random) -> bytes:
    """The bytes of a request of which something was changed."""
    message = call(rng)
    way = rng.choice((0, 0, 0, 1, 2, 3))
    if way == 0:  # a part of it is something else
        holder: Any = message[3] if rng.random() < 0.9 else message
        while isinstance(holder, list) and holder:
            place = rng.randrange(len(holder))
            if rng.random() < 0.3 or not isinstance(holder[place], list) or not holder[place]:
                holder[place] = rng.choice(JUNK)
                break
            holder = holder[place]
        return _packed(message)
    data = bytearray(_packed(message))
    if way == 1:  # bits are turned
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif way == 2:  # a piece is missing, or there twice
        low = rng.randrange(len(data))
        high = min(low + rng.randrange(1, 8), len(data))
        data[low:high] = b"" if rng.random() < 0.5 else bytes(data[low:high]) * 2
    else:  # a wrong number of arguments
        arguments = message[3]
        if rng.random() < 0.5 and len(arguments) > 1:
            arguments.pop()
        else:
            arguments.append(rng.choice(JUNK))
        return _packed(message)
    return bytes(data)


def _packed(message: Any) -> bytes:
    return bytes(msgpack.packb(message))
