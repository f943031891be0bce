"""Random draws of a scenario, all from one generator; their order is part of what a seed means (``family.py``)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Rng = np.random.Generator


def generator(family: str, seed: int) -> Rng:
    """The one source of randomness of a scenario."""
    return np.random.default_rng((zlib.crc32(family.encode()), seed))


def uniform(rng: Rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def chance(rng: Rng, probability: float) -> bool:
    return bool(rng.random() < probability)


def choose(rng: Rng, items: Sequence[Item]) -> Item:
    return items[int(rng.integers(len(items)))]
