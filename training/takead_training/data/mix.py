"""How an epoch is put together: buckets of frames by who drove, each with its share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.errors import TakeadError
from takead_ros.recording.clip import Label
from takead_training.data.columns import LABELS
from takead_training.data.dataset import Dataset

TRANSITIONS = (Label.TAKEOVER_START, Label.HANDBACK)  # somebody half drives there: masked
BUCKETS = ("demonstration", "whole", "pre", "takeover", "post", "relabelled")
MOST_DRAWS = 100_000_000  # of an epoch: their rows are in memory
PRE_S, POST_S = 5.0, 2.0  # how near to a takeover the frames of "pre" and "post" are

_SHARES = {"demonstration": 0.45, "whole": 0.55, "pre": 0.25, "takeover": 0.2, "post": 0.1, "relabelled": 0.2}


@dataclass(frozen=True)
class Mix:
    """Share of each bucket among the samples drawn, and how many are drawn in an epoch.

    demonstration: a whole drive of the expert, of those kept from before. whole: one among the round's own clips, so
    that whole drives can be had in the place of takeovers. pre, post: the policy drives, up to 5 s before or 2 s after
    a takeover. takeover: the expert or a person drives. relabelled: the policy drives, and nothing happens nearby;
    there are such frames only where whole drives are recorded. ``followable``: leave out labels that no vehicle could
    follow.
    """

    shares: Mapping[str, float] = field(default_factory=lambda: dict(_SHARES))
    draws: int = 12_000
    followable: bool = True

    def __post_init__(self) -> None:
        unknown = set(self.shares) - set(BUCKETS)
        values = list(self.shares.values())
        if unknown or not all(0.0 <= value <= 1e6 for value in values) or not sum(values) > 0.0:
            raise TakeadError(
                f"bucket shares {dict(self.shares)}: expected 0 to 1e6 of {', '.join(BUCKETS)}, not all 0"
            )
        if not 0 < self.draws <= MOST_DRAWS:
            raise TakeadError(f"--draws {self.draws}: expected 1 to {MOST_DRAWS}")


def bucket_rows(data: Dataset, followable: bool = False) -> dict[str, NDArray[np.int64]]:
    """Rows of ``data`` in each bucket; transition frames are in none, and with ``followable`` neither are frames whose
    label no vehicle could follow."""
    label = data.column("label")
    policy = np.isin(label, [LABELS.index(Label.PRE), LABELS.index(Label.POST)])
    before = policy & (data.column("until_takeover_s") <= PRE_S)
    after = policy & ~before & (data.column("since_takeover_s") <= POST_S)
    demonstrated, own = label == LABELS.index(Label.DEMONSTRATION), data.column("of_round") > 0
    masks = {
        "demonstration": demonstrated & ~own,
        "whole": demonstrated & own,
        "pre": before,
        "takeover": label == LABELS.index(Label.TAKEOVER),
        "post": after,
        "relabelled": policy & ~before & ~after,
    }
    allowed = (data.column("followable") > 0) | (not followable)
    return {name: np.flatnonzero(mask & allowed) for name, mask in masks.items()}


def bucket_counts(data: Dataset, mix: Mix) -> dict[str, int]:
    """How many rows there are in each bucket, and how many labels were left out that no vehicle could follow."""
    kept = {name: len(rows) for name, rows in bucket_rows(data, mix.followable).items()}
    whole = sum(len(rows) for rows in bucket_rows(data).values())
    return {**kept, "not_followable": whole - sum(kept.values())}


def draw_rows(data: Dataset, mix: Mix, seed: int, epoch: int) -> NDArray[np.int64]:
    """Rows of one epoch in random order: ``mix.draws`` of them, each bucket by its share of those that are filled.

    A bucket is gone through whole before anything in it comes up again.
    """
    random = np.random.default_rng((seed, epoch))
    buckets = bucket_rows(data, mix.followable)
    filled = {name: rows for name, rows in buckets.items() if len(rows) and mix.shares.get(name, 0.0) > 0.0}
    if not filled:
        raise TakeadError("training: none of the samples is in a bucket with a share above 0; are there clips in it?")
    whole = sum(mix.shares[name] for name in filled)
    drawn = [
        repeated(rows, max(round(mix.draws * mix.shares[name] / whole), 1), random) for name, rows in filled.items()
    ]
    return random.permutation(np.concatenate(drawn))


def repeated(rows: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """``count`` of ``rows`` in random order, each once before any comes up again."""
    times = -(-count // len(rows))
    return np.concatenate([random.permutation(rows) for _ in range(times)])[:count]
