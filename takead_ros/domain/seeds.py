"""Which seeds serve which purpose: four disjoint ranges, so that no model is judged on what it learned from.

A scenario is a pure function of (family, seed); the split is a function of the seed alone. Plain ``0-99`` are test
seeds. ``collection:0-9`` are the first ten seeds of the collection split.
"""

from __future__ import annotations

import re

from takead_ros.domain.errors import TakeadError, unknown

SPLIT_SIZE = 1_000_000
LAST_SEED = 2**31 - 1
MOST_SEEDS = 100_000  # in one command
SPLITS = ("test", "collection", "selection", "training")


def split_of(seed: int) -> str:
    """The split that a seed (>= 0) belongs to; all seeds beyond the last range are training seeds."""
    return SPLITS[min(seed // SPLIT_SIZE, len(SPLITS) - 1)]


def parse_seeds(text: str, option: str = "--seeds") -> list[int]:
    """Seeds named by ``text``: ``7``, ``0-9``, ``0-4,8``, or with a split in front, ``training:0-99``.

    Raises TakeadError, naming ``option``, where it is no such range, where a range of plain numbers runs from one
    split into the next, or where it names more than MOST_SEEDS or one above LAST_SEED.
    """
    split, _, ranges = text.rpartition(":")
    if split and split not in SPLITS:
        raise unknown(f"{option} '{text[:80]}': split", split, SPLITS)
    first = SPLITS.index(split) * SPLIT_SIZE if split else 0
    seeds: list[int] = []
    for part in ranges.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,18})(?:-([0-9]{1,18}))?\s*", part)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if low > high or high > LAST_SEED or (split and high >= SPLIT_SIZE):
            raise TakeadError(
                f"{option} '{text[:80]}': '{part[:40]}' is no range; expected a number or LOW-HIGH with LOW <= HIGH, "
                f"such as 0-9, 0-4,8 or collection:0-23 (0 to {SPLIT_SIZE - 1} within a split, else to {LAST_SEED})"
            )
        if split_of(low) != split_of(high):
            raise TakeadError(
                f"{option} '{text[:80]}': runs from {split_of(low)} into {split_of(high)} seeds; "
                "expected seeds of one split in a range"
            )
        if len(seeds) + high - low >= MOST_SEEDS:
            raise TakeadError(f"{option} '{text[:80]}': more than {MOST_SEEDS} seeds, expected fewer")
        seeds.extend(range(first + low, first + high + 1))
    return list(dict.fromkeys(seeds))
