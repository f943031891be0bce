"""Which seeds serve which purpose: four disjoint ranges, so that no model is judged on what it learned from.

A scenario is a pure function of (family, seed); the split is a function of the seed alone. Plain ``0-99`` are test
seeds. ``collection:0-9`` are the first ten seeds of the collection split.
"""

from __future__ import annotations

import re

from takead_ros.domain.errors import TakeadError

SPLIT_SIZE = 1_000_000
SPLITS = ("test", "collection", "selection", "training")


def split_of(seed: int) -> str:
    """The split that a seed (>= 0) belongs to; all seeds beyond the last range are training seeds."""
    return SPLITS[min(seed // SPLIT_SIZE, len(SPLITS) - 1)]


def parse_seeds(text: str) -> list[int]:
    """Seeds named by ``text``: ``7``, ``0-9``, ``0-4,8``, or with a split in front, ``training:0-99``.

    Raises TakeadError where it is no such range.
    """
    split, _, ranges = text.rpartition(":")
    if split and split not in SPLITS:
        raise TakeadError(f"--seeds '{text}': unknown split '{split}', expected one of {', '.join(SPLITS)}")
    first = SPLITS.index(split) * SPLIT_SIZE if split else 0
    seeds: list[int] = []
    for part in ranges.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if low > high or (split and high >= SPLIT_SIZE):
            raise TakeadError(
                f"--seeds '{text}': '{part}' is no range; expected a number or LOW-HIGH with LOW <= HIGH, "
                f"such as 0-9, 0-4,8 or collection:0-23 (0 to {SPLIT_SIZE - 1} within a split)"
            )
        seeds.extend(range(first + low, first + high + 1))
    return list(dict.fromkeys(seeds))
