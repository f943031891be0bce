"""The record and the dream side by side: both with their map, the driver's plan in the dream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from takead_ros.display.palette import Colour
from takead_ros.pictures import dream_film
from takead_ros.pictures import scene as render
from takead_ros.pictures.side_by_side import SIZE
from takead_ros.runs.dream import RECORDED, DreamDriver, dream
from takead_ros.runs.episode import EXPERT
from takead_ros.simulators.dream.clip_world import read_world

(GOLDEN,) = sorted((Path(__file__).parents[1] / "recording" / "golden").iterdir())


def share(picture: Image.Image, colour: Colour) -> float:
    """Of the pixels that are about of this colour."""
    return float((np.abs(np.asarray(picture.convert("RGB"), int) - colour).max(-1) < 12).mean())


def halves(path: Path) -> tuple[Image.Image, Image.Image, int]:
    """The record's and the dream's picture half way through, and how many pictures there are."""
    with Image.open(path) as film:
        count = int(getattr(film, "n_frames", 1))
        film.seek(count // 2)
        whole = film.convert("RGB")
    return whole.crop((0, 0, SIZE, SIZE)), whole.crop((whole.width - SIZE, 0, whole.width, SIZE)), count


@pytest.mark.slow
def test_both_sides_are_drawn_with_their_map_and_the_driver_s_plan(tmp_path: Path) -> None:
    world = read_world(GOLDEN)
    for driver in (RECORDED, EXPERT):
        _, before, after = dream(world, DreamDriver(driver), "replay")
        path = tmp_path / f"{driver}.gif"
        count = dream_film.write_dream_film(before, after, driver, path)
        left, right, pictures = halves(path)
        assert pictures == count >= 20
        for side in (left, right):
            assert share(side, render.ROAD) > 0.1 and share(side, render.EGO) > 0.001
        plan = render.PLANS["policy"]
        assert share(left, plan) < share(right, plan) if driver == EXPERT else share(right, plan) < 1e-3
