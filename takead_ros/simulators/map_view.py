"""What the ego is shown of the map. What it sees of the others is ``domain.visibility``."""

from __future__ import annotations

import math

import numpy as np

from takead_ros.domain.scene import Polyline

MAP_RANGE = 80.0  # m of map around the ego
MAP_REFRESH = 4.0  # m that the ego goes before the polylines around it are chosen anew


class MapView:
    """The polylines of a map within 80 m of the ego; each stays one and the same object.

    middles (L, 2) m and reach (L,) m of each of them.
    """

    def __init__(self, polylines: tuple[Polyline, ...]) -> None:
        self._polylines = polylines
        self.middles = np.array([line.points.mean(0) for line in polylines])
        self.reach = np.array(
            [np.hypot(*(line.points - middle).T).max() for line, middle in zip(polylines, self.middles, strict=True)]
        )
        self._chosen_at: tuple[float, float] | None = None
        self._chosen: tuple[Polyline, ...] = ()

    def around(self, x: float, y: float) -> tuple[Polyline, ...]:
        """Those near (x, y) m, chosen anew every 4 m."""
        at = (x, y)
        if self._chosen_at is None or math.dist(at, self._chosen_at) > MAP_REFRESH:
            self._chosen_at = at
            distance = np.hypot(self.middles[:, 0] - x, self.middles[:, 1] - y) - self.reach
            self._chosen = tuple(self._polylines[i] for i in np.flatnonzero(distance < MAP_RANGE))
        return self._chosen
