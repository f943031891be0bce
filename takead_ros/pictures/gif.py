"""The one writer of animated GIFs: one palette for all pictures, with the drawing's own colours kept; true times."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from takead_ros.display.palette import Colour
from takead_ros.files import replacing
from takead_ros.pictures.scene import COLOURS

UNIT_MS = 10  # of a GIF's times
SHORTEST_MS = 20  # viewers slow down what is faster


def durations_ms(times_s: Sequence[float]) -> list[int]:
    """For how long each picture is shown, where picture i belongs to ``times_s[i]`` (rising); the last as long as most.

    Whole units whose sums stay within half a unit of the true times, so that nothing drifts.
    """
    steps = np.diff(np.asarray(times_s, dtype=np.float64))
    last = float(np.median(steps)) if len(steps) else 0.1
    ends = np.cumsum([*steps, last]) * 1000.0 / UNIT_MS
    shown = np.diff(np.rint(ends), prepend=0.0).astype(int) * UNIT_MS
    return [max(int(duration), SHORTEST_MS) for duration in shown]


def save_gif(
    pictures: Iterable[Image.Image], path: Path, durations: Sequence[int], extra: Iterable[Colour] = ()
) -> None:
    """Write ``pictures`` as an endless animation, each for its ``durations`` ms (a multiple of 10).

    The palette holds every colour that scenes are drawn in and ``extra``, so that two plans never become one colour,
    and the commonest blends of the first picture. Pictures are taken one at a time.
    """
    waiting = iter(pictures)
    first = next(waiting)
    palette = _palette(first, [*COLOURS, *extra])
    reduced = (
        picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in itertools.chain([first], waiting)
    )
    with replacing(path) as partial:
        next(reduced).save(
            partial,
            format="GIF",
            save_all=True,
            append_images=reduced,
            duration=list(durations),
            loop=0,
            optimize=False,
        )


def _palette(picture: Image.Image, pinned: Iterable[Colour]) -> Image.Image:
    fixed = list(dict.fromkeys(pinned))
    blends = picture.convert("RGB").quantize(256 - len(fixed), method=Image.Quantize.MEDIANCUT).getpalette() or []
    colours = [channel for colour in fixed for channel in colour] + blends[: 3 * (256 - len(fixed))]
    image = Image.new("P", (1, 1))
    image.putpalette(colours)
    return image
