"""All triggers of the monitor."""

from __future__ import annotations

from takead_ros.takeover.collisions import COLLISION_PREDICTED, TIME_TO_COLLISION
from takead_ros.takeover.conduct import POLICY_UNHEALTHY, SPEED_LIMIT, STEERING_DISAGREEMENT, STUCK
from takead_ros.takeover.course import BEND_SPEED, OFF_ROAD, OFF_ROUTE

RECORDS = {
    record.trigger: record
    for record in (
        POLICY_UNHEALTHY,
        COLLISION_PREDICTED,
        TIME_TO_COLLISION,
        STEERING_DISAGREEMENT,
        STUCK,
        OFF_ROUTE,
        SPEED_LIMIT,
        BEND_SPEED,
        OFF_ROAD,
    )
}
STOPPING = frozenset(which for which, record in RECORDS.items() if record.stops == "alone")
NOBODY_FIT = frozenset(which for which, record in RECORDS.items() if record.stops == "always")
