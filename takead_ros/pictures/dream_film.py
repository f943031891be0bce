"""A dream beside the record that it is made of, as an animation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from takead_ros.pictures import scene as render
from takead_ros.pictures.gif import durations_ms, save_gif
from takead_ros.pictures.side_by_side import GROUND, INK, SIZE, put_side_by_side
from takead_ros.runs.dream import DreamView

STEP_S = 0.1  # between two pictures


def write_dream_film(recorded: Sequence[DreamView], dreamed: Sequence[DreamView], text: str, path: Path) -> int:
    """Draw both drives, moment by moment, the record left and the dream right under ``text``; how many pictures."""
    pairs = list(zip(recorded, dreamed, strict=False))
    every = max(round(STEP_S / max(pairs[1][0].time_s - pairs[0][0].time_s, 1e-3)), 1) if len(pairs) > 1 else 1
    shown = [pair for pair in pairs if pair[1].plan is not None] or pairs[::every]  # drivers answer every second one
    pictures = (
        put_side_by_side(
            _panel(before, f"{before.time_s:4.1f} s  recorded"), _panel(after, f"{after.time_s:4.1f} s  {text}")
        )
        for before, after in shown
    )
    save_gif(pictures, path, durations_ms([view.time_s for view, _ in shown]), [INK, GROUND])
    return len(shown)


def _panel(view: DreamView, caption: str) -> Image.Image:
    plans = {} if view.plan is None else {"policy": view.plan}
    return render.draw_scene(view.scene, plans, caption, size=SIZE)
