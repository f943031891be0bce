"""A clip as an animated picture: the scene from above, what both sides would do, and who drives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from takead_ros.domain.driving import DriverStatus, Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.recording.reader import Frame, frames
from takead_ros.sim import render

SHORTEST_MS = 20  # viewers slow down what is faster


def write(clip: Path, out: Path, speed: float) -> int:
    """Write ``clip`` to the GIF ``out`` at ``speed`` times real time; returns the number of pictures.

    Raises TakeadError where the clip cannot be read or holds no frame.
    """
    found = list(frames(clip))
    if not found:
        raise TakeadError(f"clip '{clip}': holds no scene that the policy or the expert answered")
    step = (found[-1].stamp - found[0].stamp) / 1e6 / max(len(found) - 1, 1) / speed
    every = max(1, int(np.ceil(SHORTEST_MS / max(step, 1e-3))))
    shown = found[::every]
    pictures = _pictures(shown, found[0].stamp)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".part")
    next(pictures).save(
        partial, format="GIF", save_all=True, append_images=pictures, duration=round(step * every), loop=0
    )  # fmt: skip
    partial.replace(out)
    return len(shown)


def _pictures(shown: list[Frame], begin: int) -> Iterator[Image.Image]:
    for frame in shown:
        plans: dict[str, Plan] = {}
        for name, output in (("policy", frame.policy), ("expert", frame.expert)):
            if output is not None and output.status is DriverStatus.OK:
                plans[name] = output.plan
        who = frame.command.lateral.name.lower() if frame.command else "nobody"
        caption = (
            f"{(frame.stamp - begin) / 1e9:5.1f} s  {frame.label.value}  {who} drives  {frame.scene.ego.speed:.1f} m/s"
        )
        # A palette of its own for each picture costs more than it shows.
        yield render.draw(frame.scene, plans, caption).convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
