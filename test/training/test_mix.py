"""Which rows a stage learns from: buckets, their shares, labels that are left out."""

from __future__ import annotations

import numpy as np
import pytest

from support.tables import make_table
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vector import VECTOR_1
from takead_ros.recording.clip import Label
from takead_training.data.columns import LABELS
from takead_training.data.dataset import Dataset
from takead_training.data.mix import bucket_counts, bucket_rows, draw_rows
from takead_training.settings import BUCKETS, Mix

pytestmark = pytest.mark.slow


def test_buckets_leave_out_transitions_and_are_drawn_by_share() -> None:
    table = make_table(600)
    data = Dataset.of(VECTOR_1, table)
    buckets = bucket_rows(data)
    masked = {LABELS.index(Label.TAKEOVER_START), LABELS.index(Label.HANDBACK)}
    assert not masked & set(table["label"][np.concatenate(list(buckets.values()))])
    mix = Mix(draws=1000)
    rows = draw_rows(data, mix, seed=1, epoch=0)
    assert len(rows) == pytest.approx(1000, abs=len(BUCKETS)) and all(len(rows) for rows in buckets.values())
    for name, share in mix.shares.items():
        wanted = share / sum(mix.shares.values())
        assert np.isin(rows, buckets[name]).mean() == pytest.approx(wanted, abs=0.01), name
    np.testing.assert_array_equal(rows, draw_rows(data, mix, seed=1, epoch=0))
    assert not np.array_equal(rows, draw_rows(data, mix, seed=1, epoch=1))


def test_frames_far_from_a_takeover_are_relabelled_ones() -> None:
    table = make_table(300)
    table["label"][:] = LABELS.index(Label.PRE)
    table["until_takeover_s"][:], table["since_takeover_s"][:] = 1e4, 1e4
    table["until_takeover_s"][:50], table["since_takeover_s"][50:90] = 4.9, 1.9
    found = {name: len(rows) for name, rows in bucket_rows(Dataset.of(VECTOR_1, table)).items()}
    assert found == {"demonstration": 0, "whole": 0, "pre": 50, "takeover": 0, "post": 40, "relabelled": 210}


def test_labels_that_no_vehicle_could_follow_are_left_out_and_counted() -> None:
    table = make_table(300)
    table["followable"][:100] = 0
    data = Dataset.of(VECTOR_1, table)
    assert draw_rows(data, Mix(draws=500), 0, 0).min() >= 100
    assert draw_rows(data, Mix(draws=500, followable=False), 0, 0).min() < 100
    whole = sum(len(rows) for rows in bucket_rows(data).values())
    counts = bucket_counts(data, Mix())
    assert sum(counts.values()) == whole and counts["not_followable"] > 20


def test_an_empty_bucket_leaves_its_share_to_the_others() -> None:
    table = make_table(150)
    table["label"][:] = LABELS.index(Label.PRE)
    table["until_takeover_s"][:] = 1.0
    assert len(draw_rows(Dataset.of(VECTOR_1, table), Mix(draws=500), seed=0, epoch=0)) == 500
    table["label"][:] = LABELS.index(Label.HANDBACK)
    with pytest.raises(TakeadError, match="none of the samples"):
        draw_rows(Dataset.of(VECTOR_1, table), Mix(draws=500), seed=0, epoch=0)
