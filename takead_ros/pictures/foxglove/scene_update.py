"""Shapes as ``foxglove.SceneUpdate``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from takead_ros.display.shapes import FRAME, Ball, Block, Caption, Key, Shape, Strokes
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND

TOPIC = "display/scene"  # relative to the ego's namespace, as the interfaces are


def sdk(what: str) -> ModuleType:
    """The Foxglove SDK. Raises TakeadError that says ``what`` needs it where it is not installed."""
    try:
        import foxglove
        import foxglove.messages  # an attribute of the package from here on
    except ImportError as error:
        raise TakeadError(
            f"{what} needs the Foxglove SDK; get it with: pip install 'takead_ros[foxglove]' ({error})"
        ) from error
    return foxglove


class SceneUpdates:
    """Makes messages with the classes of the SDK. Raises TakeadError as ``sdk`` does."""

    def __init__(self, what: str) -> None:
        self._m: Any = sdk(what).messages
        self.schema = self._m.SceneUpdate.get_schema()

    def encoded(self, shapes: Iterable[Shape], vanished: Iterable[Key], stamp: int) -> bytes:
        """A SceneUpdate of ``shapes`` at ``stamp`` ns, those that are ``vanished`` deleted; protobuf."""
        time = self._m.Timestamp(*divmod(stamp, SECOND))
        return bytes(
            self._m.SceneUpdate(
                deletions=[
                    self._m.SceneEntityDeletion(
                        timestamp=time, type=self._m.SceneEntityDeletionType.MatchingId, id=name_of(key)
                    )
                    for key in vanished
                ],
                entities=[self._entity(shape, time) for shape in shapes],
            ).encode()
        )

    def _entity(self, shape: Shape, time: Any) -> Any:
        m, form = self._m, shape.form
        red, green, blue = (part / 255.0 for part in shape.colour)
        colour = m.Color(r=red, g=green, b=blue, a=shape.opacity)
        drawn: dict[str, list[Any]] = {}
        if isinstance(form, Strokes):
            kind = m.LinePrimitiveLineType.LineList if form.pairs else m.LinePrimitiveLineType.LineStrip
            points = [m.Point3(x=x, y=y, z=form.z) for x, y in form.points.tolist()]
            drawn["lines"] = [m.LinePrimitive(type=kind, thickness=form.width, points=points, color=colour)]
        elif isinstance(form, Block):
            size = m.Vector3(x=form.length, y=form.width, z=form.height)
            pose = self._pose(form.x, form.y, form.height / 2.0, form.yaw)
            drawn["cubes"] = [m.CubePrimitive(pose=pose, size=size, color=colour)]
        elif isinstance(form, Ball):
            size = m.Vector3(x=form.diameter, y=form.diameter, z=form.diameter)
            drawn["spheres"] = [m.SpherePrimitive(pose=self._pose(form.x, form.y, form.z), size=size, color=colour)]
        elif isinstance(form, Caption):
            pose = self._pose(form.x, form.y, form.z)
            text = m.TextPrimitive(pose=pose, billboard=True, font_size=form.size, color=colour, text=form.text)
            drawn["texts"] = [text]
        lifetime = m.Duration(*divmod(round(shape.lifetime_s * SECOND), SECOND))
        return m.SceneEntity(timestamp=time, frame_id=FRAME, id=name_of(shape.key), lifetime=lifetime, **drawn)

    def _pose(self, x: float, y: float, z: float, yaw: float = 0.0) -> Any:
        turn = self._m.Quaternion(x=0.0, y=0.0, z=math.sin(yaw / 2.0), w=math.cos(yaw / 2.0))
        return self._m.Pose(position=self._m.Vector3(x=x, y=y, z=z), orientation=turn)


def name_of(key: Key) -> str:
    """The id of the entity that a shape is."""
    return f"{key[0]}/{key[1]}"
