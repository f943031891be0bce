"""Shapes: what every renderer can draw, with a name, a colour and an end. Values only.

Everything is in ``base_link`` at the stamp of the scene that is shown (x forward, y left, z up, m), so that a screen
follows the vehicle and needs no transforms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from takead_ros.display.palette import Colour
from takead_ros.domain.scene import FloatArray

FRAME = "base_link"
MOST = 200  # shapes in a namespace
FARTHEST_M = 2000.0  # nothing beyond is drawn
LAST_NUMBER = (1 << 31) - 1  # as ROS has them
Key = tuple[str, int]  # namespace and number: two shapes with the same are the same thing at two times


@dataclass(frozen=True, eq=False)
class Strokes:
    """Lines through ``points`` (P, 2), ``width`` wide, at height ``z``: one through all of them, or, with ``pairs``,
    one from each even point to the next."""

    points: FloatArray
    width: float
    z: float = 0.0
    pairs: bool = False


@dataclass(frozen=True)
class Block:
    """A box that stands on the ground: its centre, direction (rad) and size."""

    x: float
    y: float
    yaw: float
    length: float
    width: float
    height: float


@dataclass(frozen=True)
class Ball:
    """A sphere by its centre and diameter."""

    x: float
    y: float
    z: float
    diameter: float


@dataclass(frozen=True)
class Caption:
    """One line of text that faces the viewer; ``size``: height of a letter, m."""

    x: float
    y: float
    z: float
    text: str
    size: float


Form = Strokes | Block | Ball | Caption


@dataclass(frozen=True, eq=False)
class Shape:
    """A form to draw. ``lifetime_s``: without a newer one of the same key it vanishes after so long."""

    namespace: str
    number: int
    colour: Colour
    opacity: float
    lifetime_s: float
    form: Form

    @property
    def key(self) -> Key:
        return self.namespace, self.number


class Sheet:
    """Collects shapes: leaves out what is not finite or too far to be seen, and gives each a key of its own."""

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._shapes: dict[Key, Shape] = {}
        self._counts: dict[str, int] = {}

    def add(self, namespace: str, number: int, colour: Colour, form: Form, opacity: float = 1.0) -> None:
        """Draw ``form``, under ``number`` or, where that is taken, under the next free one."""
        if self._counts.get(namespace, 0) >= MOST or not drawable(form):
            return
        number &= LAST_NUMBER
        while (namespace, number) in self._shapes:
            number = number + 1 & LAST_NUMBER
        self._counts[namespace] = self._counts.get(namespace, 0) + 1
        self._shapes[namespace, number] = Shape(namespace, number, colour, opacity, self._lifetime_s, form)

    def shapes(self) -> tuple[Shape, ...]:
        return tuple(self._shapes.values())


def drawable(form: Form) -> bool:
    """Whether every number of ``form`` is finite, every size positive and every place in reach."""
    if isinstance(form, Strokes):
        enough = len(form.points) >= 2 and not (form.pairs and len(form.points) % 2)
        return enough and near(form.points) and near(form.z) and 0.0 < form.width < FARTHEST_M
    if not near(np.array((form.x, form.y))):
        return False
    if isinstance(form, Block):
        return bool(np.isfinite(form.yaw)) and all(
            0.0 < size < FARTHEST_M for size in (form.length, form.width, form.height)
        )
    if isinstance(form, Ball):
        return near(form.z) and 0.0 < form.diameter < FARTHEST_M
    return near(form.z) and bool(form.text) and 0.0 < form.size < FARTHEST_M


def near(values: FloatArray | float) -> bool:
    """Whether all ``values`` (m) are finite and in reach."""
    return bool((np.abs(values) < FARTHEST_M).all())  # NaN is not less than anything


def vanished(before: Iterable[Key], shapes: Iterable[Shape]) -> list[Key]:
    """Which of the shapes drawn ``before`` are no longer among ``shapes``, and have to be taken away."""
    now = {shape.key for shape in shapes}
    return [key for key in before if key not in now]
