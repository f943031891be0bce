"""A clip as a moving picture: the scene from above, what both sides would do, and who drives."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from takead_ros.domain.driving import DriverStatus, Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.files import replacing
from takead_ros.pictures import scene as render
from takead_ros.pictures.gif import SHORTEST_MS, durations_ms, save_gif
from takead_ros.recording.reader import Frame, frames

SUFFIXES = (".gif", ".mp4")


def write_clip_video(clip: Path, out: Path, speed: float) -> int:
    """Write ``clip`` to ``out``, a GIF or an MP4 (H.264) by its suffix, at ``speed`` times real time.

    Returns the number of pictures.

    Raises TakeadError for another suffix, where the clip cannot be read or holds no frame, and where PyAV is missing
    for an MP4.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise TakeadError(f"output '{out}': expected a name ending in {' or '.join(SUFFIXES)}")
    if out.suffix.lower() == ".mp4" and importlib.util.find_spec("av") is None:
        raise TakeadError("an MP4 needs PyAV; get it with: pip install 'takead_ros[video]' (a GIF does not)")
    found = list(frames(clip))
    if not found:
        raise TakeadError(f"clip '{clip}': holds no scene that the policy or the expert answered")
    step_ms = (found[-1].stamp - found[0].stamp) / 1e6 / max(len(found) - 1, 1) / speed
    every = max(1, int(np.ceil(SHORTEST_MS / max(step_ms, 1e-3))))
    sampled = found[::every]
    pictures = _pictures(sampled, found[0].stamp)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".gif":
        save_gif(pictures, out, durations_ms([frame.stamp / 1e9 / speed for frame in sampled]))
    else:
        with replacing(out) as partial:
            _mp4(pictures, partial, Fraction(1_000_000, max(1, round(1000.0 * step_ms * every))))
    return len(sampled)


def _mp4(pictures: Iterator[Image.Image], path: Path, rate_hz: Fraction) -> None:
    av = importlib.import_module("av")
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate_hz)
        first = next(pictures)
        # What every player shows; it wants even sizes.
        stream.width, stream.height, stream.pix_fmt = first.width // 2 * 2, first.height // 2 * 2, "yuv420p"
        stream.options = {"crf": "20", "threads": "1"}
        for picture in itertools.chain([first], pictures):
            even = picture.convert("RGB").crop((0, 0, stream.width, stream.height))
            container.mux(stream.encode(av.VideoFrame.from_image(even)))
        container.mux(stream.encode(None))


def _pictures(sampled: list[Frame], begin: int) -> Iterator[Image.Image]:
    for frame in sampled:
        plans: dict[str, Plan] = {}
        for name, output in (("policy", frame.policy), ("expert", frame.expert)):
            if output is not None and output.status is DriverStatus.OK:
                plans[name] = output.plan
        who = frame.command.lateral.name.lower() if frame.command else "nobody"
        caption = (
            f"{(frame.stamp - begin) / 1e9:5.1f} s  {frame.label.value}  {who} drives  {frame.scene.ego.speed:.1f} m/s"
        )
        yield render.draw_scene(frame.scene, plans, caption)
