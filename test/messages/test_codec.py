"""CDR bytes, definitions and hashes; one example worked out by hand from the CDR rules."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.messages import codec, store, types


def test_bytes_of_a_request_worked_out_by_hand() -> None:
    msg = types.TakeoverRequest(
        header=types.Header(stamp=types.Time(sec=3, nanosec=5), frame_id="map"),
        trigger=types.TakeoverRequest.STUCK,
        severity=0.5,
        time_to_event=-1.0,
        object_id=258,
        text="ab",
    )
    expected = b"".join(
        [
            b"\x00\x01\x00\x00",  # encapsulation: CDR, little endian; offsets below count from here
            struct.pack("<iI", 3, 5),  # 0: header.stamp
            struct.pack("<I", 4) + b"map\x00",  # 8: frame_id, its length counts the final zero
            b"\x04",  # 16: trigger
            b"\x00\x00\x00",  # 17: up to a multiple of 4
            struct.pack("<ff", 0.5, -1.0),  # 20: severity, time_to_event
            struct.pack("<I", 258),  # 28: object_id
            struct.pack("<I", 3) + b"ab\x00",  # 32: text
        ]
    )
    assert codec.serialize(msg).rstrip(b"\x00") == expected.rstrip(b"\x00")  # ROS pads the end to a multiple of 4
    assert codec.deserialize(expected, "takead_ros/msg/TakeoverRequest") == msg


def test_doubles_are_aligned_to_eight() -> None:
    msg = types.TrafficControl(id=1, kind=types.TrafficControl.STOP_SIGN, x=2.5)
    expected = b"\x00\x01\x00\x00" + struct.pack("<IBB2xdd", 1, 1, 0, 2.5, 0.0) + struct.pack("<ffB", 0.0, 0.0, 0)
    assert codec.serialize(msg).rstrip(b"\x00") == expected.rstrip(b"\x00")


def test_an_empty_message_is_one_byte() -> None:
    assert codec.serialize(types.Engage.Request())[4:5] == b"\x00"
    assert type(codec.deserialize(b"\x00\x01\x00\x00\x00", "takead_ros/srv/Engage_Request")) is types.Engage.Request


def test_not_finite_numbers_survive() -> None:
    values = [float("nan"), float("inf"), float("-inf"), -0.0]
    msg = types.PolicyOutput(logits=values, acceleration=float("nan"))
    again = codec.deserialize(codec.serialize(msg), "takead_ros/msg/PolicyOutput")
    np.testing.assert_array_equal(np.asarray(again.logits), np.asarray(values, dtype=np.float32))
    assert np.signbit(np.asarray(again.logits))[3]
    assert np.isnan(again.acceleration)


def test_names() -> None:
    assert codec.type_name(types.Scene) == codec.type_name(types.Scene()) == "takead_ros/msg/Scene"
    assert codec.type_name(types.Joy) == "sensor_msgs/msg/Joy"
    assert codec.type_name(types.LoadModel) == "takead_ros/srv/LoadModel"
    assert codec.type_name(types.LoadModel.Request) == "takead_ros/srv/LoadModel_Request"


def test_a_definition_holds_all_that_it_needs_once() -> None:
    text = codec.definition("takead_ros/msg/Scene")
    parts = text.split("=" * 80 + "\n")
    named = [part.split("\n", 1)[0] for part in parts[1:]]
    assert sorted(named) == sorted(
        f"MSG: {name}"
        for name in (
            "std_msgs/Header",
            "builtin_interfaces/Time",
            "takead_ros/EgoState",
            "takead_ros/TrackedObject",
            "takead_ros/Polyline",
            "takead_ros/Route",
            "takead_ros/TrafficControl",
        )
    )
    assert "takead_ros/TrackedObject[] objects" in parts[0]
    assert "float32[3] target_x" in text


def test_the_hash_is_that_of_ros() -> None:
    # as `ros2 topic info -v` prints it on Jazzy
    expected = "RIHS01_f49fb3ae2cf070f793645ff749683ac6b06203e41c891e17701b1cb597ce6a01"
    assert codec.type_hash("std_msgs/msg/Header") == expected


@pytest.mark.parametrize("cut", [0, 3, 4, 20, 100])
def test_truncated_bytes_are_refused(cut: int) -> None:
    data = codec.serialize(types.Scene(objects=[types.TrackedObject(id=1)]))
    with pytest.raises(TakeadError, match="takead_ros/msg/Scene"):
        codec.deserialize(data[:cut], "takead_ros/msg/Scene")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(TakeadError, match="takead_ros/msg/Sceen"):
        codec.deserialize(b"\x00\x01\x00\x00", "takead_ros/msg/Sceen")


def test_offline_every_interface_is_known_whatever_the_resolution() -> None:
    for name in ("Scene", "PolicyOutput", "TakeoverEvent"):
        offline = store.message_class(f"takead_ros/msg/{name}")
        assert offline()._fields == tuple(offline().__init__.__code__.co_varnames[1:][: len(offline._fields)])


@pytest.mark.skipif(types.RESOLUTION == "rosidl", reason="there rclpy serialises")
@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        (types.TrackedObject, {"id": -1}),
        (types.TrackedObject, {"kind": 256}),
        (types.EgoState, {"speed": "fast"}),
        (types.TakeoverEvent, {"why": 3}),
        (types.Route, {"target_x": [1.0]}),
    ],
)
def test_a_value_that_its_field_cannot_hold_is_named(cls: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=codec.type_name(cls)):
        codec.serialize(cls(**fields))
