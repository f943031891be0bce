"""Message classes: rosidl's defaults, keywords and constants, whoever made them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from takead_ros.messages import types

CLASSES = [value for name, value in vars(types).items() if name in types.__annotations__]


def test_defaults_are_rosidls() -> None:
    scene = types.Scene()
    assert (scene.header.stamp.sec, scene.header.frame_id) == (0, "")
    assert (len(scene.objects), len(scene.polylines), len(scene.route.x)) == (0, 0, 0)
    assert list(scene.route.target_x) == [0.0, 0.0, 0.0]
    assert list(scene.route.target_command) == [0, 0, 0]
    output = types.PolicyOutput()
    assert (output.source, output.status, output.dt, output.cause_visible) == ("", 0, 0.0, False)


def test_constants_belong_to_their_class() -> None:
    assert types.DriveCommand.HUMAN == 3
    assert types.DriveCommand.LIMIT_SPEED == 16
    assert types.TrackedObject.PEDESTRIAN == 3
    assert types.ArbiterState.STOPPED == 6
    status = types.DiagnosticStatus(level=types.DiagnosticStatus.ERROR)
    assert status.level == types.DiagnosticStatus.ERROR != types.DiagnosticStatus.OK


def test_two_messages_share_nothing() -> None:
    first, second = types.Scene(), types.Scene()
    first.objects.append(types.TrackedObject(id=1))
    first.header.frame_id = "map"
    assert (len(second.objects), second.header.frame_id) == (0, "")


@pytest.mark.parametrize("values", [[1.5, 2.5], (1.5, 2.5), np.array([1.5, 2.5], dtype=np.float32)])
def test_arrays_may_be_given_as_lists(values: Any) -> None:
    msg = types.Joy(axes=values)
    other = types.Joy()
    other.axes = values
    assert msg == other
    assert list(msg.axes) == [1.5, 2.5]


def test_equality_compares_content() -> None:
    assert types.Joy(axes=[1.0]) == types.Joy(axes=[1.0])
    assert types.Joy(axes=[1.0]) != types.Joy(axes=[2.0])
    assert types.Joy(axes=[1.0]) != types.Joy(axes=[1.0, 1.0])
    assert types.Scene(objects=[types.TrackedObject(id=1)]) != types.Scene(objects=[types.TrackedObject(id=2)])
    assert types.Joy() != types.Clock()


@pytest.mark.skipif(types.RESOLUTION == "rosidl", reason="a release build of rosidl checks no fields")
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_misspelt_field_is_an_error(cls: Any) -> None:
    if hasattr(cls, "Request"):
        cls = cls.Response
    with pytest.raises((TypeError, AssertionError)):
        cls(no_such_field=1)
    with pytest.raises(AttributeError):
        cls().no_such_field = 1


def test_services_have_two_halves() -> None:
    response = types.LoadModel.Response(accepted=False, code="missing", message="no file")
    assert (response.accepted, response.code, response.model_sha256) == (False, "missing", "")
    assert types.LoadModel.Request(path="x").path == "x"


def test_any_other_interface_can_be_had_by_name() -> None:
    twist = types.message("geometry_msgs/msg/Twist")()
    assert twist.linear.x == 0.0
    with pytest.raises((KeyError, ImportError, AttributeError)):
        types.message("takead_ros/msg/Sceen")
