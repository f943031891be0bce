"""Centre lines that lanes are made of: straight lines and arcs. Lateral coordinates m are positive to the LEFT.

The arithmetic is MetaDrive's, operation by operation (component/lane/straight_lane.py, circular_lane.py and
component/pgblock/create_pg_block_utils.py of version 0.4.3, Apache-2.0), so that lanes agree with its to the last bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from takead_ros.domain.scene import FloatArray


@dataclass(frozen=True)
class Line:
    """From ``start`` on along the unit vector ``direction`` (2,) for ``length`` m."""

    start: FloatArray
    end: FloatArray
    direction: FloatArray
    length: float

    @staticmethod
    def between(start: FloatArray, end: FloatArray) -> Line:
        length = math.sqrt((end - start)[0] ** 2 + (end - start)[1] ** 2)
        return Line(start, end, (end - start) / length, length)

    @property
    def right(self) -> FloatArray:
        """The unit vector (2,) to the right."""
        return np.array([self.direction[1], -self.direction[0]])

    def at(self, s: float, lateral: float = 0.0) -> FloatArray:
        """The point (2,) m at ``s`` m, ``lateral`` m to the left."""
        return np.asarray(self.start + s * self.direction + -lateral * self.right)

    def points(self, s: FloatArray, lateral: float) -> FloatArray:
        """The points (P, 2) m at ``s`` (P,) m, ``lateral`` m to the left."""
        return np.asarray(self.start + s[:, None] * self.direction + -lateral * self.right)

    def beside(self, lateral: float) -> Line:
        """The same line ``lateral`` m further left."""
        return replace(self, start=self.at(0.0, lateral), end=self.at(self.length, lateral))

    def opposite(self, lateral: float) -> Line:
        """Back along the line ``lateral`` m to the left."""
        return Line.between(self.at(self.length, lateral), self.at(0.0, lateral))

    def onwards(self, metres: float) -> Line:
        """The next ``metres`` m straight on."""
        return Line.between(self.end, self.at(self.length + metres))


@dataclass(frozen=True)
class Arc:
    """Around ``center`` with ``radius`` m from angle ``first`` rad on by ``angle`` rad; ``clockwise``: a right bend."""

    center: tuple[float, float]
    radius: float
    first: float
    angle: float
    clockwise: bool

    @staticmethod
    def turning(center: tuple[float, float], radius: float, first: float, angle: float, clockwise: bool) -> Arc:
        """With ``first`` brought into -pi .. pi."""
        first %= 2 * np.pi
        first -= 2 * np.pi * (first > np.pi)
        return Arc(center, radius, first, angle, clockwise)

    @property
    def last(self) -> float:
        """The angle rad at the end."""
        return self.first + (-self.angle if self.clockwise else self.angle)

    @property
    def length(self) -> float:
        return abs(self.radius * (self.last - self.first))

    @property
    def end(self) -> FloatArray:
        return self.at(self.length)

    def at(self, s: float, lateral: float = 0.0) -> FloatArray:
        """The point (2,) m at ``s`` m, ``lateral`` m to the left."""
        return np.asarray(self.points(np.array([s]), lateral)[0])

    def points(self, s: FloatArray, lateral: float) -> FloatArray:
        """The points (P, 2) m at ``s`` (P,) m, ``lateral`` m to the left."""
        side = -1 if self.clockwise else 1
        radius = self.radius + -lateral * side
        # the C library's cos and sin, not numpy's: these differ in the last bit
        angles = (side * s / self.radius + self.first).tolist()
        x, y = self.center
        return np.array([(x + math.cos(angle) * radius, y + math.sin(angle) * radius) for angle in angles])

    def beside(self, lateral: float) -> Arc:
        """The same bend ``lateral`` m further left."""
        return replace(self, radius=self.radius + lateral if self.clockwise else self.radius - lateral)

    def opposite(self, lateral: float) -> Arc:
        """Back along the bend ``lateral`` m to the left."""
        radius = self.radius + lateral if self.clockwise else self.radius - lateral
        return Arc.turning(self.center, radius, self.last, self.angle, not self.clockwise)


Shape = Line | Arc


def bend(before: Line, run_out: float, radius: float, angle: float, clockwise: bool) -> tuple[Arc, Line]:
    """A bend of ``radius`` m by ``angle`` rad at the end of ``before``, and ``run_out`` m straight behind it."""
    side = 1 if clockwise else -1
    center = before.at(before.length, -side * radius)
    right = before.right
    first = np.arctan2(right[1], right[0]) + (np.pi if clockwise else 0)
    arc = Arc.turning((center[0], center[1]), radius, first, angle, clockwise)
    end = arc.at(2 * radius * angle / 2)
    outward = end - center
    norm = math.sqrt(outward[0] ** 2 + outward[1] ** 2)
    ahead = (outward[1] / norm, -outward[0] / norm) if clockwise else (-outward[1] / norm, outward[0] / norm)
    return arc, Line.between(end, np.asarray(ahead) * run_out + end)


def wave(before: Line, lateral: float, length: float, run_out: float, left: bool) -> tuple[Arc, Arc, Line]:
    """Two bends that shift ``before`` by twice ``lateral`` m to a side over ``length`` m, and ``run_out`` m behind."""
    angle = np.pi - 2 * np.arctan(length / (2 * lateral))
    radius = length / (2 * math.sin(angle))
    first, between = bend(before, 10, radius, angle, not left)
    between = Line.between(between.at(-10), between.at(between.length - 10))
    second, behind = bend(between, run_out, radius, angle, left)
    return first, second, behind
