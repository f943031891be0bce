"""Shapes as visualization_msgs, for RViz and whoever else shows markers."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

from takead_ros.display.shapes import FRAME, Ball, Block, Caption, Key, Shape, Strokes
from takead_ros.domain.units import SECOND
from takead_ros.messages import types
from takead_ros.messages.fields import header_to_msg


@functools.cache
def _kind(name: str) -> Any:
    """A message class of a package that only this node needs."""
    return types.message(name)


def to_markers(shapes: Iterable[Shape], vanished: Iterable[Key], stamp: int) -> Any:
    """visualization_msgs/MarkerArray of ``shapes`` at ``stamp`` ns; those that are ``vanished`` are deleted."""
    header, marker = header_to_msg(stamp, FRAME), _kind("visualization_msgs/msg/Marker")
    markers = [marker(header=header, ns=name, id=number, action=marker.DELETE) for name, number in vanished]
    return _kind("visualization_msgs/msg/MarkerArray")(markers=markers + [_marker(header, one) for one in shapes])


def _marker(header: Any, shape: Shape) -> Any:
    form, new = shape.form, _kind("visualization_msgs/msg/Marker")
    red, green, blue = (part / 255.0 for part in shape.colour)
    seconds, rest = divmod(round(shape.lifetime_s * SECOND), SECOND)
    marker = new(
        header=header,
        ns=shape.namespace,
        id=shape.number,
        action=new.ADD,
        color=_kind("std_msgs/msg/ColorRGBA")(r=red, g=green, b=blue, a=shape.opacity),
        lifetime=_kind("builtin_interfaces/msg/Duration")(sec=seconds, nanosec=rest),
    )
    point = _kind("geometry_msgs/msg/Point")
    if isinstance(form, Strokes):
        marker.type = new.LINE_LIST if form.pairs else new.LINE_STRIP
        marker.points = [point(x=x, y=y, z=form.z) for x, y in form.points.tolist()]
        marker.scale.x, marker.pose.orientation.w = form.width, 1.0
    elif isinstance(form, Block):
        marker.type = new.CUBE
        _place(marker, form.x, form.y, form.height / 2.0, form.yaw)
        marker.scale.x, marker.scale.y, marker.scale.z = form.length, form.width, form.height
    elif isinstance(form, Ball):
        marker.type = new.SPHERE
        _place(marker, form.x, form.y, form.z)
        marker.scale.x = marker.scale.y = marker.scale.z = form.diameter
    elif isinstance(form, Caption):
        marker.type, marker.text, marker.scale.z = new.TEXT_VIEW_FACING, form.text, form.size
        _place(marker, form.x, form.y, form.z)
    return marker


def _place(marker: Any, x: float, y: float, z: float, yaw: float = 0.0) -> None:
    pose = marker.pose
    pose.position.x, pose.position.y, pose.position.z = x, y, z
    pose.orientation.z, pose.orientation.w = math.sin(yaw / 2.0), math.cos(yaw / 2.0)
