"""When an episode on a route is over: at the goal, off the path, stuck, or out of time. Collisions do not end it."""

from __future__ import annotations

import math

from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import EgoState
from takead_ros.measures.episode_log import End

DEVIATION = 15.0  # m from the reference path that end an episode
# The leaderboards' 180 s, scaled to routes of 100 to 250 m; nothing in these scenarios holds a careful driver as long.
STANDSTILL = 15.0  # s without getting anywhere that end it
STAY = 0.3  # m; who pushes against a wreck has turning wheels, and speed, but does not move on


class EndRules:
    """Watches one episode; the ego begins at (x, y) m in ``map``."""

    def __init__(self, time_limit_s: float, step_s: float, x: float, y: float) -> None:
        self._time_limit_s, self._step_s = time_limit_s, step_s
        self._stood_at, self._standing = (x, y), 0

    def check(self, ego: EgoState, navigation: Navigation, time_s: float) -> End:
        """Whether, and why, it is over after the step that ended at ``time_s`` s; to be called once a step."""
        at = (ego.x, ego.y)
        if math.dist(at, self._stood_at) > STAY:
            self._stood_at, self._standing = at, 0
        self._standing += 1
        if navigation.s >= navigation.goal:
            return End.GOAL
        if navigation.distance_from_path(ego.x, ego.y) > DEVIATION:
            return End.ROUTE_DEVIATION
        if self._standing * self._step_s >= STANDSTILL:
            return End.BLOCKED
        return End.TIME_LIMIT if time_s >= self._time_limit_s else End.RUNNING
