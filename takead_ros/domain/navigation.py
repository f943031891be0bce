"""Following a reference path: where the ego is on it, target points, commands, progress. Knows no simulator."""

from __future__ import annotations

import math

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import Path, wrap_angle
from takead_ros.domain.scene import FloatArray, IntArray, Route, RouteCommand

BEHIND, AHEAD = 10, 100  # m of reference path
TARGETS = (15.0, 30.0, 45.0)  # m ahead of the ego along the path
ANNOUNCE = 20.0  # m before a junction from which its command holds
SEARCH = 25  # samples of the path around the last place in which the ego is looked for
TURN = float(np.deg2rad(20.0))


def turn_command(turned: float) -> RouteCommand:
    """The command of a junction on whose way the heading turns by ``turned`` rad to the left."""
    if abs(turned) <= TURN:
        return RouteCommand.STRAIGHT
    return RouteCommand.LEFT if turned > 0.0 else RouteCommand.RIGHT


class Navigation:
    """Follows the ego along a path (P, 2) m about 1 m apart in ``map``, on which it is at ``start`` m.

    commands (P,): a RouteCommand for each sample. ``goal`` m along the path ends the route, 5 m before the path's own
    end at the latest; speed_limit: m/s in force at the ego, None where unknown, and may be set at any time.
    """

    def __init__(
        self, points: FloatArray, commands: IntArray, start: float, goal: float, speed_limit: float | None
    ) -> None:
        self.path = Path(points)
        self.start, self.speed_limit = start, speed_limit
        self.goal = max(min(goal, float(self.path.arc[-1]) - 5.0), start + 1.0)
        self.s, self.lateral, self.heading_error = start, 0.0, 0.0
        self.furthest = start
        self.commands = commands

    @property
    def length(self) -> float:
        """m of the route, from start to goal."""
        return self.goal - self.start

    def update(self, x: float, y: float, yaw: float) -> None:
        """Finds the ego on the path, near where it was: a route that crosses itself keeps its order.

        Raises TakeadError for a pose that is not finite, by which nothing is changed.
        """
        if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(yaw)):
            raise TakeadError(f"ego at x {x} m, y {y} m, yaw {yaw} rad: expected finite numbers")
        middle = int(np.searchsorted(self.path.arc, self.s))
        low, high = max(middle - SEARCH, 0), min(middle + SEARCH, len(self.path.arc))
        points = self.path.points[low:high]
        steps = points[1:] - points[:-1]
        offset = np.array([x, y]) - points[:-1]
        length2 = (steps**2).sum(1)
        share = np.clip((offset * steps).sum(1) / length2, 0.0, 1.0)
        nearest = offset - share[:, None] * steps
        i = int((nearest**2).sum(1).argmin())
        length = float(np.sqrt(length2[i]))
        self.s = float(self.path.arc[low + i] + share[i] * length)
        self.lateral = float(steps[i, 0] * offset[i, 1] - steps[i, 1] * offset[i, 0]) / length
        heading = self.path.yaw[low + i] + share[i] * (self.path.yaw[low + i + 1] - self.path.yaw[low + i])
        self.heading_error = float(wrap_angle(yaw - heading))
        self.furthest = max(self.furthest, self.s)

    def distance_from_path(self, x: float, y: float) -> float:
        return float(np.hypot(self.path.points[:, 0] - x, self.path.points[:, 1] - y).min())

    def route(self) -> Route:
        arc = self.path.arc
        first = int(np.searchsorted(arc, self.s - BEHIND))
        last = int(np.searchsorted(arc, self.s + AHEAD, side="right"))
        at = np.minimum(self.s + np.array(TARGETS), arc[-1])
        rows = np.minimum(np.round(at).astype(int), len(arc) - 1)
        points = np.stack([np.interp(at, arc, self.path.points[:, 0]), np.interp(at, arc, self.path.points[:, 1])], 1)
        commands = tuple(RouteCommand(int(self.commands[row])) for row in rows)
        return Route(
            path=self.path.points[first:last],
            targets=points,
            commands=(commands[0], commands[1], commands[2]),
            lateral_offset=self.lateral,
            heading_error=self.heading_error,
            remaining=max(self.goal - self.s, 0.0),
            completion=float(np.clip((self.furthest - self.start) / self.length, 0.0, 1.0)),
            speed_limit=self.speed_limit,
        )
