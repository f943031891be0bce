"""How an epoch is put together: buckets of frames by who drove, each with its share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.errors import TakeadError
from takead_ros.recording.clip import Label
from takead_training.data.columns import LABELS
from takead_training.data.dataset import Dataset
from takead_training.settings import Mix

TRANSITIONS = (Label.TAKEOVER_START, Label.HANDBACK)  # somebody half drives there: masked
PRE_S, POST_S = 5.0, 2.0  # how near to a takeover the frames of "pre" and "post" are


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
