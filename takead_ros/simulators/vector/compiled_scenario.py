"""From a scenario and its lanes to the rows of one environment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from takead_ros.domain.geometry import Path
from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import FloatArray, Polyline
from takead_ros.maps.lanemap import LaneMap
from takead_ros.maps.navigation import navigate
from takead_ros.policy.encoding import LineCache
from takead_ros.scenarios.spec import MOTOR_VEHICLES, Actor, Control, Model, Scenario, When
from takead_ros.simulators.map_view import MapView
from takead_ros.simulators.vector import traffic
from takead_ros.simulators.vector.arrays import Layout, Map, Widths, make_layout, make_map

_WHEN = {when: i for i, when in enumerate(When)}
_BODY = {
    **dict.fromkeys(MOTOR_VEHICLES, traffic.MOTOR),
    Model.PEDESTRIAN: traffic.PERSON,
    Model.CYCLIST: traffic.PERSON,
    Model.CONE: traffic.CONE,
}


@dataclass(frozen=True)
class CompiledScenario:
    """One scenario, ready to be put into an environment any number of times.

    rows, map: a Layout and a Map with one environment. start (5,): the ego's x, y, yaw, speed and the speed limit.
    navigation, polylines: for scenes made of the environment.
    """

    scenario: Scenario
    rows: Layout
    map: Map
    widths: Widths
    start: FloatArray
    navigation: Navigation
    polylines: tuple[Polyline, ...]

    def moved(self, offset_m: float, turn_rad: float) -> FloatArray:
        """The start, ``offset_m`` m to the left and turned left by ``turn_rad`` rad."""
        x, y, yaw, speed, limit = self.start
        return np.array(
            [x - math.sin(yaw) * offset_m, y + math.cos(yaw) * offset_m, yaw + turn_rad, speed, limit], dtype=np.float64
        )


def compile_scenario(scenario: Scenario, lane_map: LaneMap) -> CompiledScenario:
    """Lay the scenario out on its lanes. Raises TakeadError for more actors than an environment can hold."""
    navigation = navigate(lane_map, scenario.route, scenario.start, scenario.goal, scenario.speed_limit)
    paths = [Path(lane_map.path(actor.path)) for actor in scenario.actors]
    lanes = lane_map.lanes.values()
    centres = np.concatenate([lane.center for lane in lanes])
    halves = np.concatenate([np.full(len(lane.center), lane.width / 2.0) for lane in lanes])
    return compile_on(scenario, navigation, paths, lane_map.polylines(scenario.route), centres, halves)


def compile_on(
    scenario: Scenario,
    navigation: Navigation,
    paths: list[Path],
    polylines: tuple[Polyline, ...],
    centres: FloatArray,
    halves: FloatArray,
) -> CompiledScenario:
    """The scenario on a map of which there are its ``polylines`` and samples of its lane centres (M, 2) m with half the
    lane's width (M,) m; its actors on ``paths``, in their order. Raises TakeadError for more actors than fit."""
    each = [LineCache().pieces((line,)) for line in polylines]
    widths = Widths(
        route=len(navigation.path.arc),
        limits=max(len(scenario.limits), 1),
        actors=max(len(paths), 1),
        paths=max(sum(len(path.arc) for path in paths), 1),
        phases=max(sum(len(actor.phases) for actor in scenario.actors), 1),
        controls=max(len(scenario.controls), 1),
        changes=max(sum(len(control.changes) for control in scenario.controls), 1),
        lanes=len(centres),
        lines=len(polylines),
        pieces=sum(len(points) for points, _ in each),
    )
    Widths().including(widths)
    rows = make_layout(1, widths)
    path = navigation.path
    _fill(
        rows,
        "route_",
        x=path.points[:, 0],
        y=path.points[:, 1],
        arc=path.arc,
        yaw=path.yaw,
        command=navigation.commands,
    )
    rows.route_count[0] = len(path.arc)
    rows.start[0], rows.goal[0], rows.time_limit[0] = scenario.start, navigation.goal, scenario.time_limit
    for k, (low, limit) in enumerate(scenario.limits):
        rows.limit_from[0, k], rows.limit_speed[0, k] = low, limit
    rows.limit_count[0] = len(scenario.limits)
    _fill(rows, "lane_", x=centres[:, 0], y=centres[:, 1], half=halves)
    rows.lane_count[0] = len(centres)
    _actors(rows, scenario.actors, paths)
    _controls(rows, scenario.controls, path)
    x, y, yaw = path.at(scenario.start)
    begin = np.array([x, y, yaw, scenario.speed, scenario.speed_limit])
    return CompiledScenario(scenario, rows, _map(widths, polylines, each), widths, begin, navigation, polylines)


def _fill(rows: Layout | Map, prefix: str, **columns: np.ndarray) -> None:
    for name, column in columns.items():
        getattr(rows, prefix + name)[0, : len(column)] = column


def _map(widths: Widths, polylines: tuple[Polyline, ...], each: list[tuple[FloatArray, np.ndarray]]) -> Map:
    rows, view = make_map(1, widths), MapView(polylines)
    _fill(rows, "line_", x=view.middles[:, 0], y=view.middles[:, 1], reach=view.reach)
    numbers = np.repeat(np.arange(len(polylines)), [len(points) for points, _ in each])
    _fill(
        rows,
        "piece_",
        line=numbers,
        points=np.concatenate([points for points, _ in each]),
        flags=np.concatenate([flags for _, flags in each]),
    )
    rows.piece_count[0] = len(numbers)
    return rows


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _actors(rows: Layout, actors: tuple[Actor, ...], paths: list[Path]) -> None:
    place = phase = 0
    rows.actor_count[0] = len(actors)
    for i, (actor, path) in enumerate(zip(actors, paths, strict=True)):
        first = (0, i)
        rows.length[first], rows.width[first], rows.kind[first] = actor.length, actor.width, int(actor.kind)
        rows.body_kind[first] = _BODY.get(actor.model, traffic.FIXED)
        rows.yaw_offset[first], rows.reactive[first] = actor.yaw_offset, actor.reactive
        rows.moves[first] = actor.speed > 0.0 or actor.cruise is not None
        rows.first_s[first], rows.first_lateral[first], rows.first_speed[first] = actor.s, actor.lateral, actor.speed
        rows.first_aim[first] = actor.speed if actor.cruise is None else actor.cruise
        rows.braking[first], rows.headway[first] = actor.braking, actor.headway
        rows.light_s[first] = math.nan if actor.light is None else actor.light[0]
        rows.light_with_ego[first] = actor.light is not None and actor.light[1]
        rows.light_index[first] = -1 if actor.light_index is None else actor.light_index
        rows.present_from[first], rows.present_to[first] = actor.present or (-math.inf, math.inf)
        rows.path_first[first], rows.path_count[first] = place, len(path.arc)
        for name, column in (("x", path.points[:, 0]), ("y", path.points[:, 1]), ("arc", path.arc), ("yaw", path.yaw)):
            getattr(rows, f"path_{name}")[0, place : place + len(column)] = column
        place += len(path.arc)
        rows.phase_first[first], rows.phase_count[first] = phase, len(actor.phases)
        for step in actor.phases:
            at = (0, phase)
            rows.phase_when[at], rows.phase_value[at] = _WHEN[step.when], step.value
            rows.phase_speed[at], rows.phase_lateral[at] = _nan(step.speed), _nan(step.lateral)
            rows.phase_acceleration[at], rows.phase_deceleration[at] = _nan(step.acceleration), _nan(step.deceleration)
            rows.phase_lateral_speed[at] = step.lateral_speed
            phase += 1


def _controls(rows: Layout, controls: tuple[Control, ...], path: Path) -> None:
    change = 0
    rows.control_count[0] = len(controls)
    for i, control in enumerate(controls):
        at = (0, i)
        rows.control_kind[at], rows.control_s[at] = int(control.kind), control.s
        rows.control_x[at], rows.control_y[at], rows.control_yaw[at] = path.at(control.s)
        rows.control_first_state[at] = int(control.state)
        rows.change_first[at], rows.change_count[at] = change, len(control.changes)
        for step in control.changes:
            here = (0, change)
            rows.change_when[here], rows.change_value[here] = _WHEN[step.when], step.value
            rows.change_state[here] = int(step.state)
            change += 1
