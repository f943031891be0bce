"""Makes the EpisodeLog of every simulator: one row per tick, and the contacts between the ego and others."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.geometry import box_corners, boxes_overlap
from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import EgoState, FloatArray, Objects, TrafficControl
from takead_ros.measures.episode_log import COLUMNS, Contact, End, EpisodeLog, Traffic
from takead_ros.scenarios.spec import Scenario

TOUCH = 0.03  # m; physics keeps bodies apart, so boxes this much longer and wider touch when bodies do
NEAR = 8.0  # m between two centres beyond which no box touches another


class EpisodeRecorder:
    """The log of one episode of ``scenario`` with steps of ``step_s`` s."""

    def __init__(self, scenario: Scenario, step_s: float) -> None:
        self._scenario, self._step_s = scenario, step_s
        self._rows: list[tuple[float, ...]] = []
        self._objects: list[Objects] = []
        self._controls: list[tuple[TrafficControl, ...]] = []
        self._contacts: list[Contact] = []
        self._touching: set[int] = set()
        self._ego_length = self._ego_width = self._route_length = 0.0

    @property
    def objects(self) -> Objects:
        """Everyone but the ego at the last tick, all in full view."""
        return self._objects[-1]

    @property
    def controls(self) -> tuple[TrafficControl, ...]:
        """The lights and signs at the last tick."""
        return self._controls[-1]

    def find_contacts(self, ego: EgoState, objects: Objects, route_s: float) -> list[int]:
        """The ids of ``objects`` whose boxes the ego's box has come to touch since the tick before, in order."""
        close = np.flatnonzero(np.hypot(objects.x - ego.x, objects.y - ego.y) < NEAR)
        if not len(close) and not self._touching:
            return []
        boxes = box_corners(
            objects.x[close],
            objects.y[close],
            objects.yaw[close],
            objects.length[close] + 2.0 * TOUCH,
            objects.width[close] + 2.0 * TOUCH,
        )
        own = box_corners(ego.x, ego.y, ego.yaw, ego.length, ego.width)  # type: ignore[arg-type]
        rows = close[boxes_overlap(own[None], boxes)]
        kinds = {int(objects.id[row]): int(objects.kind[row]) for row in rows}
        new = sorted(kinds.keys() - self._touching)
        self._contacts += [Contact(len(self._rows), number, kinds[number], ego.x, ego.y, route_s) for number in new]
        self._touching = set(kinds)
        return new

    def record(
        self,
        ego: EgoState,
        navigation: Navigation,
        off_road: float,
        objects: Objects,
        controls: tuple[TrafficControl, ...],
    ) -> None:
        """One tick; ``off_road`` m: by which the ego's outermost corner lies beyond the lanes."""
        self._rows.append(
            (
                ego.x,
                ego.y,
                ego.yaw,
                ego.speed,
                ego.acceleration,
                ego.lateral_acceleration,
                ego.yaw_rate,
                ego.steering_angle,
                navigation.s - navigation.start,
                navigation.lateral,
                off_road,
            )
        )
        self._objects.append(objects)
        self._controls.append(controls)
        self._ego_length, self._ego_width, self._route_length = ego.length, ego.width, navigation.length

    def log(self, end: End) -> EpisodeLog:
        """The episode so far, which ended (or goes on) as ``end`` says."""
        columns = np.ascontiguousarray(np.array(self._rows).T)
        return make_log(
            self._scenario,
            self._step_s,
            end,
            self._route_length,
            self._ego_length,
            self._ego_width,
            columns,
            Traffic.of(self._objects),
            tuple(self._contacts),
            tuple(self._controls),
        )


def make_log(
    scenario: Scenario,
    step_s: float,
    end: End,
    route_length: float,
    ego_length: float,
    ego_width: float,
    columns: FloatArray,
    objects: Traffic,
    contacts: tuple[Contact, ...],
    controls: tuple[tuple[TrafficControl, ...], ...],
) -> EpisodeLog:
    """The log of an episode of ``scenario``; ``columns`` (C, T): those of COLUMNS."""
    return EpisodeLog(
        family=scenario.family,
        seed=scenario.seed,
        ability=scenario.ability.value,
        threat=scenario.threat,
        step_s=step_s,
        route_length=route_length,
        time_limit=scenario.time_limit,
        speed_limit=scenario.speed_limit,
        end=end,
        ego_length=ego_length,
        ego_width=ego_width,
        objects=objects,
        contacts=contacts,
        controls=controls,
        **dict(zip(COLUMNS, columns, strict=True)),
    )
