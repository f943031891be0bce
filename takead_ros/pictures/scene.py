"""Top-down pictures of scenes and plans, for people: reports, GIFs, ``takead scenarios show``.

Pure: a scene and plans in, a picture out. Needs pillow (extra ``sim``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from takead_ros.display.palette import KERB, KINDS, LIGHTS, MARKING, ROUTE, Colour
from takead_ros.domain.driving import Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import box_corners, to_local, to_outer
from takead_ros.domain.scene import ControlKind, FloatArray, LightState, LineKind, ObjectKind, Scene

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw as Pen

GRASS: Colour = (226, 232, 224)
ROAD: Colour = (92, 99, 110)
EDGE: Colour = (55, 61, 70)
EGO: Colour = (37, 99, 235)
INK: Colour = (24, 28, 35)
PAPER: Colour = (250, 250, 250)
PLANS: dict[str, Colour] = {
    "policy": (255, 176, 46),
    "old": (255, 176, 46),
    "new": (45, 212, 191),
    "expert": (90, 220, 120),
    "driven": (120, 170, 255),
}
OTHER_PLANS: tuple[Colour, ...] = ((244, 114, 182), (196, 181, 253), (250, 204, 21))
# everything above: what a palette must keep apart
COLOURS: tuple[Colour, ...] = (
    GRASS,
    ROAD,
    EDGE,
    MARKING,
    ROUTE,
    EGO,
    INK,
    PAPER,
    KERB,
    *KINDS.values(),
    *LIGHTS.values(),
    *PLANS.values(),
    *OTHER_PLANS,
)

EGO_HEIGHT = 0.30  # of the picture: how far above its lower edge the ego is
SMOOTH = 2  # drawn this many times larger, then reduced
DASH_SHARE = 0.45  # painted share of a broken line


class _Canvas:
    """Draws map coordinates (m) into a picture whose upper edge is ahead of the ego."""

    def __init__(self, scene: Scene, size: int, metres: float) -> None:
        try:
            from PIL import Image, ImageDraw
        except ImportError as error:
            raise TakeadError("pictures need pillow; get it with: pip install 'takead_ros[sim]'") from error
        self.pixels = size * SMOOTH
        self.scale = self.pixels / metres
        self.image = Image.new("RGB", (self.pixels, self.pixels), GRASS)
        self.draw: Pen = ImageDraw.Draw(self.image, "RGBA")
        self._ego = scene.ego

    def at(self, points: FloatArray) -> list[tuple[float, float]]:
        """Pixels of points (P, 2) m, map."""
        local = to_local(points, self._ego.x, self._ego.y, self._ego.yaw)
        x = 0.5 * self.pixels - local[:, 1] * self.scale
        y = (1.0 - EGO_HEIGHT) * self.pixels - local[:, 0] * self.scale
        return [(float(u), float(v)) for u, v in zip(x, y, strict=True)]

    def line(self, points: FloatArray, colour: tuple[int, ...], width: float) -> None:
        """A polyline (P, 2) m, map; ``width`` m."""
        self.draw.line(self.at(points), colour, max(round(width * self.scale), 1), joint="curve")

    def disc(self, point: FloatArray, colour: tuple[int, ...], radius: float, outline: Colour | None = None) -> None:
        ((x, y),) = self.at(point[None])
        r = radius * self.scale
        self.draw.ellipse((x - r, y - r, x + r, y + r), colour, outline, SMOOTH if outline else 0)


def draw_scene(
    scene: Scene,
    plans: Mapping[str, Plan] | None = None,
    caption: str = "",
    colours: Mapping[str, Colour] | None = None,
    size: int = 480,
    metres: float = 62.0,
) -> Image:
    """A picture of ``scene``, ``size`` pixels square and ``metres`` m across, that follows the ego (ahead is up).

    plans: by name, in base_link of this scene, drawn with a dot for each step; known names (policy, old, new, expert,
    driven) have their colours, ``colours`` overrides them. Objects that the ego cannot see are hatched.
    """
    canvas = _Canvas(scene, size, metres)
    _draw_map(canvas, scene)
    _draw_controls(canvas, scene)
    _draw_objects(canvas, scene)
    _draw_box(canvas, scene.ego.x, scene.ego.y, scene.ego.yaw, scene.ego.length, scene.ego.width, EGO, hidden=False)
    legend: list[tuple[str, Colour]] = []
    spare = iter(OTHER_PLANS)
    for name, plan in (plans or {}).items():
        colour = (colours or {}).get(name) or PLANS.get(name) or next(spare, PAPER)
        legend.append((name, colour))
        _draw_plan(canvas, scene, plan, colour)
    _write(canvas, scene, caption, legend)
    return canvas.image.resize((size, size), resample=1)


def _draw_map(canvas: _Canvas, scene: Scene) -> None:
    ego = np.array([scene.ego.x, scene.ego.y])
    reach = canvas.pixels / canvas.scale
    lines = [line for line in scene.polylines if np.abs(line.points - ego).max(1).min() < reach]
    centers = [line for line in lines if line.kind is LineKind.LANE_CENTER]
    for margin, colour in ((0.5, EDGE), (0.1, ROAD)):
        for line in centers:
            width = (line.width or 3.5) + 2.0 * margin
            canvas.line(line.points, colour, width)
            for end in (line.points[0], line.points[-1]):
                canvas.disc(end, colour, width / 2.0)
    if len(scene.route.path) > 1:
        canvas.line(scene.route.path, ROUTE, 1.9)
    for line in lines:
        if line.kind is LineKind.BOUNDARY_SOLID:
            canvas.line(line.points, MARKING, 0.16)
        elif line.kind is LineKind.BOUNDARY_BROKEN:
            for start, end in zip(line.points[:-1], line.points[1:], strict=True):
                canvas.line(np.stack([start, start + DASH_SHARE * (end - start)]), MARKING, 0.16)
        elif line.kind is LineKind.ROAD_EDGE:
            canvas.line(line.points, KERB, 0.18)
    for target in scene.route.targets:
        canvas.disc(target, (*PAPER, 60), 0.55, outline=PAPER)


def _draw_controls(canvas: _Canvas, scene: Scene) -> None:
    for control in scene.controls:
        colour = LIGHTS[control.state] if control.kind is ControlKind.TRAFFIC_LIGHT else LIGHTS[LightState.RED]
        ends = to_outer(np.array([[0.0, 1.6], [0.0, -1.6]]), control.x, control.y, control.yaw)
        canvas.line(ends, colour, 0.45)
        side = to_outer(np.array([[0.0, -2.7]]), control.x, control.y, control.yaw)[0]
        canvas.disc(side, colour, 0.7, outline=INK)


def _draw_objects(canvas: _Canvas, scene: Scene) -> None:
    o = scene.objects
    for i in range(len(o)):
        colour = KINDS.get(int(o.kind[i]), KINDS[ObjectKind.UNKNOWN])
        hidden = bool(o.visibility[i] <= 0.0)
        place = np.array([o.x[i], o.y[i]])
        speed = float(np.hypot(o.vx[i], o.vy[i]))
        if speed > 0.5:
            ahead = place + np.array([o.vx[i], o.vy[i]])  # one second of travel
            canvas.line(np.stack([place, ahead]), (*colour, 150), 0.22)
        if o.kind[i] in (ObjectKind.PEDESTRIAN, ObjectKind.CONE):
            canvas.disc(place, (*colour, 90 if hidden else 255), max(float(o.width[i]) / 2.0, 0.45), outline=INK)
        else:
            width = max(float(o.width[i]), 0.7)
            _draw_box(canvas, float(o.x[i]), float(o.y[i]), float(o.yaw[i]), float(o.length[i]), width, colour, hidden)


def _draw_box(
    canvas: _Canvas, x: float, y: float, yaw: float, length: float, width: float, colour: Colour, hidden: bool
) -> None:
    """A body with its windscreen, or, hidden, its hatched outline."""
    corners = box_corners(np.array(x), np.array(y), np.array(yaw), np.array(length), np.array(width))
    if hidden:
        canvas.draw.polygon(canvas.at(corners), (*colour, 40), (*colour, 200), SMOOTH)
        for share in np.arange(-0.5, 0.5, 1.0 / max(round(length / 0.7), 2)):
            span = np.array([[share * length, -width / 2.0], [min(share * length + width, length / 2.0), width / 2.0]])
            canvas.line(to_outer(span, x, y, yaw), (*colour, 170), 0.08)
        return
    canvas.draw.polygon(canvas.at(corners), colour, INK, SMOOTH)
    glass = np.array([[0.12, 0.40], [0.30, 0.34], [0.30, -0.34], [0.12, -0.40]]) * (length, width)
    canvas.draw.polygon(canvas.at(to_outer(glass, x, y, yaw)), (225, 232, 240))


def _draw_plan(canvas: _Canvas, scene: Scene, plan: Plan, colour: Colour) -> None:
    if len(plan.x) == 0:
        return
    points = np.concatenate([np.zeros((1, 2)), np.stack([plan.x, plan.y], axis=1)])
    points = to_outer(points, scene.ego.x, scene.ego.y, scene.ego.yaw)
    canvas.line(points, (*INK, 150), 0.62)
    canvas.line(points, colour, 0.38)
    for point in points[1:]:
        canvas.disc(point, colour, 0.42, outline=INK)


def _write(canvas: _Canvas, scene: Scene, caption: str, legend: list[tuple[str, Colour]]) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(size=15 * SMOOTH)
    pad, row = 7 * SMOOTH, 21 * SMOOTH
    if caption:
        canvas.draw.rectangle((0, 0, canvas.pixels, row + pad), (*INK, 205))
        canvas.draw.text((pad, pad * 0.6), _fit(canvas.draw, caption, font, canvas.pixels - 2 * pad), PAPER, font)
    speed = f"{3.6 * scene.ego.speed:.0f} km/h"
    y = canvas.pixels - pad
    canvas.draw.text((y, y), speed, PAPER, font, anchor="rs", stroke_width=3 * SMOOTH, stroke_fill=INK)
    for name, colour in reversed(legend):
        canvas.draw.line((pad, y - 5 * SMOOTH, pad + 18 * SMOOTH, y - 5 * SMOOTH), colour, 4 * SMOOTH)
        canvas.draw.text(
            (pad + 24 * SMOOTH, y), name, PAPER, font, anchor="ls", stroke_width=3 * SMOOTH, stroke_fill=INK
        )
        y -= row


def _fit(draw: Pen, text: str, font: object, pixels: float) -> str:
    """``text``, cut with an ellipsis where it is too long."""
    while len(text) > 4 and draw.textlength(text, font) > pixels:  # type: ignore[arg-type]
        text = text[: max(math.floor(len(text) * 0.9), 3)].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    return text
