"""An overview as shapes: the road, who is on it, what both drivers would do, and who drives. Pure."""

from __future__ import annotations

import numpy as np

from takead_ros.display.overview import Answer, Overview
from takead_ros.display.palette import ALARM, DRIVERS, FAINT, KERB, KINDS, LIGHTS, MARKING, NIGHT_ROUTE, Colour
from takead_ros.display.shapes import Ball, Block, Caption, Shape, Sheet, Strokes, near
from takead_ros.display.words import lines, one_line
from takead_ros.domain.driving import DriverStatus, Source, TakeoverRequest, Trigger
from takead_ros.domain.geometry import box_corners, to_local, to_outer
from takead_ros.domain.scene import ControlKind, EgoState, FloatArray, LightState, LineKind, ObjectKind, Scene

CANDIDATES = 12  # the likeliest ones are drawn
ROAD_LINES: dict[LineKind, tuple[Colour, float]] = {
    LineKind.BOUNDARY_SOLID: (MARKING, 0.15),
    LineKind.BOUNDARY_BROKEN: (FAINT, 0.15),
    LineKind.ROAD_EDGE: (KERB, 0.3),
    LineKind.CROSSWALK: (MARKING, 0.3),
}
CAR_M = 1.6
HEIGHTS: dict[int, float] = {  # m; of any other kind CAR_M
    ObjectKind.TRUCK: 3.0,
    ObjectKind.PEDESTRIAN: 1.75,
    ObjectKind.CONE: 0.7,
    ObjectKind.OBSTACLE: 1.0,
}
NAMESPACES = (
    "road", "route", "controls", "objects", "motion", "ego", "candidates", "policy", "expert", "trigger", "cause",
    "status",
)  # fmt: skip
TEXT_M, ROW_M, BEHIND_M = 0.9, 2.0, 8.0  # the lines of text: letters, distance, where the first one is
ABOVE_M = 3.5  # what is written is above what drives there


def draw(now: Overview, lifetime_s: float) -> tuple[Shape, ...]:
    """Everything that is to be seen of ``now``, each shape to vanish after ``lifetime_s``.

    Every number in it is finite, whatever came in; no key is there twice; namespaces are those of ``NAMESPACES``.
    """
    sheet = Sheet(lifetime_s)
    scene = now.scene
    driver = now.standing.lateral if now.standing is not None else Source.NONE
    with np.errstate(all="ignore"):  # what overflows is left out
        if scene is not None and near(scene.ego.yaw):
            _road(sheet, scene)
            _controls(sheet, scene)
            _objects(sheet, scene)
            _candidates(sheet, scene, now.policy)
            for source, answer in ((Source.POLICY, now.policy), (Source.EXPERT, now.expert)):
                _plan(sheet, scene, answer, source, drives=source is driver)
            _about(sheet, scene, now.request, now.expert)
            e = scene.ego
            sheet.add("ego", 0, DRIVERS[driver], Block(0.0, 0.0, 0.0, e.length, e.width, 1.5))
        for row, colour, text in lines(now):
            sheet.add("status", row, colour, Caption(-BEHIND_M - ROW_M * row, 0.0, ABOVE_M, text, TEXT_M))
    return sheet.shapes()


def _pose(ego: EgoState) -> tuple[float, float, float]:
    return ego.x, ego.y, ego.yaw


def _here(points: FloatArray, scene: Scene) -> FloatArray:
    """Points (..., 2) of ``map`` in base_link of ``scene``."""
    return to_local(points, *_pose(scene.ego))


def _road(sheet: Sheet, scene: Scene) -> None:
    for kind, (colour, width) in ROAD_LINES.items():
        found = [_here(line.points, scene) for line in scene.polylines if line.kind is kind and len(line.points) > 1]
        parts = [_segments(points, dashed=kind is LineKind.BOUNDARY_BROKEN) for points in found if near(points)]
        if parts:
            sheet.add("road", int(kind), colour, Strokes(np.concatenate(parts), width, pairs=True))
    sheet.add("route", 0, NIGHT_ROUTE, Strokes(_here(scene.route.path, scene), 1.0))
    for i, (x, y) in enumerate(_here(scene.route.targets, scene).tolist()):
        sheet.add("route", 1 + i, NIGHT_ROUTE, Ball(x, y, 0.5, 1.0))


def _segments(points: FloatArray, dashed: bool) -> FloatArray:
    """Pairs of points (2 (P - 1), 2) along a polyline (P, 2); dashed: of each piece its first 60 %."""
    ends = points[1:]
    if dashed:
        ends = points[:-1] + 0.6 * (ends - points[:-1])
    return np.stack([points[:-1], ends], axis=1).reshape(-1, 2)


def _controls(sheet: Sheet, scene: Scene) -> None:
    for control in scene.controls:
        light = control.kind is ControlKind.TRAFFIC_LIGHT
        colour = LIGHTS[control.state if light else LightState.RED]
        ends = to_outer(np.array([[0.0, 1.8], [0.0, -1.8]]), control.x, control.y, control.yaw)
        sheet.add("controls", control.id, colour, Strokes(_here(ends, scene), 0.5, 0.02), _seen(control.visible))


def _objects(sheet: Sheet, scene: Scene) -> None:
    o = scene.objects
    places = _here(np.stack([o.x, o.y], axis=-1), scene)
    ahead = _here(np.stack([o.x + o.vx, o.y + o.vy], axis=-1), scene)  # in one second
    moving = []
    for i in np.argsort(np.hypot(*places.T), kind="stable").tolist():  # the nearest first: they are never left out
        kind = int(o.kind[i])
        colour = KINDS.get(kind, KINDS[ObjectKind.UNKNOWN])
        x, y = places[i].tolist()
        block = Block(
            x,
            y,
            float(o.yaw[i] - scene.ego.yaw),
            max(float(o.length[i]), 0.3),
            max(float(o.width[i]), 0.3),
            HEIGHTS.get(kind, CAR_M),
        )
        sheet.add("objects", int(o.id[i]), colour, block, _seen(bool(o.visibility[i] > 0.0)))
        if np.hypot(o.vx[i], o.vy[i]) > 0.5 and near(ahead[i]) and near(places[i]):
            moving.append(np.stack([places[i], ahead[i]]))
    if moving:
        sheet.add("motion", 0, FAINT, Strokes(np.concatenate(moving), 0.15, 0.1, pairs=True))


def _seen(visible: bool) -> float:
    """The opacity of what the ego's sensors see, or do not."""
    return 1.0 if visible else 0.3


def _candidates(sheet: Sheet, scene: Scene, answer: Answer | None) -> None:
    """The likeliest plans that the policy chose among, the likelier the more opaque."""
    if answer is None or answer.output.status is not DriverStatus.OK or not len(answer.output.logits):
        return
    logits = answer.output.logits
    finite = np.flatnonzero(np.isfinite(logits))
    best = finite[np.argsort(-logits[finite], kind="stable")][:CANDIDATES]
    for rank, i in enumerate(best.tolist()):
        share = float(np.exp(logits[i] - logits[best[0]]))
        points = _placed(answer.output.candidates[i], answer, scene)
        sheet.add("candidates", rank, DRIVERS[Source.POLICY], Strokes(points, 0.1, 0.05), 0.25 + 0.4 * share)


def _plan(sheet: Sheet, scene: Scene, answer: Answer | None, source: Source, drives: bool) -> None:
    """What a driver would do: broad where it is what is driven."""
    if answer is None or answer.output.status is not DriverStatus.OK:
        return
    plan, name = answer.output.plan, source.name.lower()
    points = _placed(np.stack([plan.x, plan.y], axis=-1), answer, scene)
    sheet.add(name, 0, DRIVERS[source], Strokes(points, 0.6 if drives else 0.25, 0.1), 1.0 if drives else 0.7)
    if drives:
        for i, (x, y) in enumerate(points[1:].tolist()):
            sheet.add(name, 1 + i, DRIVERS[source], Ball(x, y, 0.1, 0.7))


def _placed(points: FloatArray, answer: Answer, scene: Scene) -> FloatArray:
    """Points (T, 2) of a plan, from where the ego was when it was made, in base_link of ``scene``; the origin first."""
    whole = np.concatenate([np.zeros((1, 2)), points])
    return _here(to_outer(whole, *answer.origin), scene)


def _about(sheet: Sheet, scene: Scene, request: TakeoverRequest | None, expert: Answer | None) -> None:
    """Frames around what a trigger is about, and around what the expert acts on, with its name."""
    if request is not None and request.trigger is not Trigger.NONE and request.object_id:
        _frame(sheet, scene, "trigger", request.object_id, ALARM, request.trigger.name.lower())
    cause = expert.output.cause if expert is not None and expert.output.status is DriverStatus.OK else None
    if cause is not None and cause.object_id:
        _frame(sheet, scene, "cause", cause.object_id, DRIVERS[Source.EXPERT], cause.kind)


def _frame(sheet: Sheet, scene: Scene, namespace: str, object_id: int, colour: Colour, text: str) -> None:
    o = scene.objects
    for i in np.flatnonzero(o.id == object_id)[:1].tolist():
        margin = 1.0 if namespace == "trigger" else 0.5  # both can be around the same object
        corners = box_corners(o.x[i], o.y[i], o.yaw[i], o.length[i] + margin, o.width[i] + margin)
        points = _here(corners[[0, 1, 2, 3, 0]], scene)
        sheet.add(namespace, 0, colour, Strokes(points, 0.2, CAR_M + 0.2))
        x, y = points[:4].mean(axis=0).tolist()
        x += 1.5 if namespace == "trigger" else -1.5
        sheet.add(namespace, 1, colour, Caption(x, y, ABOVE_M, one_line(text), 0.8))
