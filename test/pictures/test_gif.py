"""GIFs keep their colours and their time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from support.stream import scene
from takead_ros.domain.driving import Plan
from takead_ros.pictures.clip_video import write_clip_video
from takead_ros.pictures.gif import UNIT_MS, durations_ms, save_gif
from takead_ros.pictures.scene import PLANS, draw_scene
from takead_ros.recording.reader import frames

GOLDEN = Path(__file__).parents[1] / "recording" / "golden"


def times_of(path: Path) -> list[int]:
    found = []
    with Image.open(path) as image:
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            found.append(int(image.info["duration"]))
    return found


def moving(count: int) -> list[Image.Image]:
    """A scene in which the ego comes closer to a car, with the plans of everyone."""
    steps = np.arange(1, 9) * 0.5
    plans = {
        name: Plan(6.0 * steps, np.full(8, 1.2 * i - 3.0), np.zeros(8), np.full(8, 6.0)) for i, name in enumerate(PLANS)
    }
    first = scene(0)
    return [draw_scene(replace(first, ego=replace(first.ego, x=0.5 * i)), plans, size=400) for i in range(count)]


@pytest.mark.parametrize("step_s", [0.1, 0.0994, 0.05, 0.033])
def test_the_length_is_the_true_one(tmp_path: Path, step_s: float) -> None:
    times = [7.0 + step_s * i for i in range(12)]
    save_gif(moving(12), tmp_path / "x.gif", durations_ms(times))
    assert sum(times_of(tmp_path / "x.gif")) == pytest.approx(1000.0 * step_s * 12, abs=6.0)


@settings(max_examples=50)
@given(st.lists(st.floats(0.025, 0.5), min_size=1, max_size=400))
def test_no_picture_drifts_from_its_moment(steps: list[float]) -> None:
    times = np.concatenate([[0.0], np.cumsum(steps)])
    shown = np.concatenate([[0.0], np.cumsum(durations_ms(list(times)))[:-1]])
    assert np.abs(shown - 1000.0 * times).max() <= 5.0 + 1e-6


def test_every_colour_of_a_scene_stays_itself(tmp_path: Path) -> None:
    """The expert's green and the new policy's teal were one colour once."""
    pictures = moving(4)
    save_gif(pictures, tmp_path / "x.gif", [100] * 4)
    with Image.open(tmp_path / "x.gif") as image:
        image.seek(2)
        shown = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    true = np.asarray(pictures[2]).reshape(-1, 3).astype(int)
    for name, colour in PLANS.items():
        here = np.abs(true - colour).max(1) <= 6  # dots are drawn larger, then reduced
        assert here.sum() > 10, name
        assert np.abs(shown[here] - colour).max() <= 12, name


def test_pictures_are_taken_one_at_a_time(tmp_path: Path) -> None:
    ahead = 0

    def stream() -> object:
        nonlocal ahead
        for i, picture in enumerate(moving(5)):
            ahead = i
            yield picture

    save_gif(stream(), tmp_path / "x.gif", [40] * 5)
    assert ahead == 4 and len(times_of(tmp_path / "x.gif")) == 5


@pytest.mark.slow
@pytest.mark.parametrize("speed", [0.5, 1.0, 3.0, 20.0])
def test_a_clip_is_shown_as_long_as_it_lasted_and_in_its_own_colours(tmp_path: Path, speed: float) -> None:
    """Of the written file, decoded: the sum of its pictures' times, and the colours of both sides' plans."""
    clip = next(GOLDEN.iterdir())
    stamps = [frame.stamp for frame in frames(clip)]
    out = tmp_path / "clip.gif"
    count = write_clip_video(clip, out, speed)
    lasted_ms = (stamps[-1] - stamps[0]) / 1e6 / speed
    step_ms = lasted_ms / (count - 1)  # the last picture stays as long as the others do
    assert abs(sum(times_of(out)) - lasted_ms - step_ms) <= step_ms * (len(stamps) % count > 0) + UNIT_MS
    with Image.open(out) as image:
        seen = np.array(sorted({colour for number in range(image.n_frames) for colour in colours(image, number)}))
    for name in ("policy", "expert"):
        assert np.abs(seen - PLANS[name]).max(1).min() <= 2, name


def colours(image: Image.Image, number: int) -> set[tuple[int, int, int]]:
    """RGB of what one picture shows."""
    image.seek(number)
    picture = image.convert("RGB")
    found: Any = picture.getcolors(picture.width * picture.height)
    return {colour for _, colour in found}
