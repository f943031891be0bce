"""The picture of what RViz and Foxglove are given to show, drawn from the very shapes by matplotlib:

    python benchmarks/display_picture.py CLIP [--at S] --out docs/images/display.png

CLIP: a clip; S: seconds from its begin. RViz and Foxglove draw the same shapes in perspective; neither is run here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon

from takead_ros.cli.program import end_with
from takead_ros.display.palette import Colour
from takead_ros.display.shapes import Ball, Block, Caption, Shape, Strokes
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import box_corners
from takead_ros.domain.scene import FloatArray
from takead_ros.pictures.foxglove.clips import pictured
from takead_ros.recording.bag import BagMessage, read

BACKGROUND = "#262a30"
AHEAD_M, BEHIND_M, ASIDE_M = 40.0, 16.0, 32.0
POINTS_PER_M = 10.0  # of a letter's height


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--at", type=float, default=2.0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    pictures = [item for item in pictured(read(options.clip)) if not isinstance(item, BagMessage)]
    if not pictures:
        raise TakeadError(f"clip '{options.clip}': holds no scene")
    wanted = pictures[0][1] + round(options.at * 1e9)
    _, _, shapes = min(pictures, key=lambda picture: abs(picture[1] - wanted))
    plotted(shapes).savefig(options.out, dpi=110, facecolor=BACKGROUND)
    return 0


def plotted(shapes: Sequence[Shape]) -> Figure:
    """``shapes`` from above, ahead up."""
    figure = Figure(figsize=(9.0, 7.9), layout="tight")
    axes = figure.add_subplot()
    for order, shape in enumerate(shapes):
        _plot(axes, shape, order)
    axes.set(xlim=(-ASIDE_M, ASIDE_M), ylim=(-BEHIND_M, AHEAD_M), aspect="equal", facecolor=BACKGROUND)
    axes.axis("off")
    return figure


def _plot(axes: Axes, shape: Shape, order: int) -> None:
    form, colour = shape.form, _rgb(shape.colour)
    look: Any = {"alpha": shape.opacity, "zorder": order}
    if isinstance(form, Strokes):
        points = _up(form.points)
        lines = points.reshape(-1, 2, 2) if form.pairs else points[None]
        axes.add_collection(LineCollection(list(lines), colors=[colour], linewidths=POINTS_PER_M * form.width, **look))
    elif isinstance(form, Block):
        place = (np.array(value) for value in (form.x, form.y, form.yaw, form.length, form.width))
        axes.add_patch(Polygon(_up(box_corners(*place)), color=colour, **look))
    elif isinstance(form, Ball):
        axes.add_patch(Circle((-form.y, form.x), form.diameter / 2.0, color=colour, **look))
    elif isinstance(form, Caption):
        status = shape.namespace == "status"  # centred beside the vehicle in RViz; here in the corner
        x, y = (1.0 - ASIDE_M, 0.8 - BEHIND_M + 2.0 * (3 - shape.number)) if status else (-form.y, form.x)
        size = POINTS_PER_M * form.size
        axes.text(x, y, form.text, color=colour, ha="left" if status else "center", va="center", size=size, **look)


def _up(points: FloatArray) -> FloatArray:
    """Points (P, 2) of base_link as across and up."""
    return np.stack([-points[:, 1], points[:, 0]], axis=-1)


def _rgb(colour: Colour) -> tuple[float, float, float]:
    red, green, blue = colour
    return red / 255.0, green / 255.0, blue / 255.0


if __name__ == "__main__":
    end_with(main)
