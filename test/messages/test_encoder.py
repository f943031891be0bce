"""The compiled encoder writes the bytes of ``rosbags``, for every interface of ROS 2 and of this package."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore

from takead_ros.messages import store
from takead_ros.messages.encoder import LITTLE_ENDIAN_CDR, StaticSequence, writer

NAMES = sorted(store.typestore().fielddefs)


def random_message(name: str, random: np.random.Generator) -> Any:
    return store.message_class(name)(
        *(random_value(node, detail, random) for _, (node, detail) in store.typestore().fielddefs[name][1])
    )


def random_value(node: int, detail: Any, random: np.random.Generator) -> Any:
    if node == Nodetype.NAME:
        return random_message(detail, random)
    if node == Nodetype.BASE:
        return random_scalar(detail[0], random)
    (element, element_detail), count = detail
    size = count if node == Nodetype.ARRAY else int(random.integers(0, min(count or 4, 4) + 1))
    return [random_value(element, element_detail, random) for _ in range(size)]


def random_scalar(base: str, random: np.random.Generator) -> Any:
    if base == "string":
        return "aé漢"[: random.integers(0, 4)] * int(random.integers(0, 3))
    if base == "bool":
        return bool(random.integers(0, 2))
    if base in ("byte", "char"):
        return int(random.integers(0, 128))
    if base.startswith("float"):
        return float(random.choice([np.nan, np.inf, -0.0, np.float32(random.normal())]))
    limits = np.iinfo(base)
    return int(random.integers(limits.min, limits.max, endpoint=True, dtype=base))


def encode(msg: Any) -> bytes:
    parts = [LITTLE_ENDIAN_CDR]
    assert writer(msg.__msgtype__)(msg, 0, parts.append) == sum(map(len, parts)) - 4
    return b"".join(parts)


def test_ros_2_is_in_the_store() -> None:
    assert len(NAMES) > 150
    assert set(get_typestore(Stores.ROS2_JAZZY).fielddefs) < set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_are_those_of_rosbags(name: str) -> None:
    random = np.random.default_rng(NAMES.index(name))
    for _ in range(4):
        msg = random_message(name, random)
        expected = bytes(store.typestore().serialize_cdr(msg, name, little_endian=True))
        assert encode(msg) == expected, msg


@pytest.mark.parametrize("start", range(8))
def test_padding_follows_from_the_place_in_the_stream(start: int) -> None:
    # id (4), kind and state (1 each), then doubles: the padding before x depends on where the message begins
    parts: list[bytes] = []
    end = writer("takead_ros/msg/TrafficControl")(
        random_message("takead_ros/msg/TrafficControl", np.random.default_rng(0)), start, parts.append
    )
    at = start + -start % 4 + 6
    assert end == at + -at % 8 + 8 + 8 + 4 + 4 + 1
    assert sum(map(len, parts)) == end - start


def test_a_fixed_array_has_its_length() -> None:
    route = store.message_class("takead_ros/msg/Route")(target_x=[1.0, 2.0])
    with pytest.raises(ValueError, match="target_x has 2 values, expected 3"):
        encode(route)


@pytest.mark.parametrize("start", range(8))
def test_a_static_sequence_is_written_once_and_with_the_bytes_of_any_other(start: int) -> None:
    random = np.random.default_rng(start)
    scene = random_message("takead_ros/msg/Scene", random)
    scene.polylines = [random_message("takead_ros/msg/Polyline", random) for _ in range(3)]

    def written(anew: bool = False) -> bytes:
        parts: list[bytes] = []
        assert writer("takead_ros/msg/Scene", anew)(scene, start, parts.append) == start + sum(map(len, parts))
        return b"".join(parts)

    plain = written()
    scene.polylines = StaticSequence(scene.polylines)
    assert written() == written() == written(anew=True) == plain
    scene.polylines[0].id = scene.polylines[0].id ^ 1
    assert written() == plain and written(anew=True) != plain
