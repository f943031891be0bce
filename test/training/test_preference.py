"""Preferences: which pairs there are, and what training on them does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from support.nets import QUICK, fresh_net, same_weights
from support.tables import make_data, make_table, with_choices
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vector import VECTOR_1
from takead_ros.recording.clip import Label
from takead_training.data.columns import FOREIGN, LABELS
from takead_training.data.dataset import Dataset
from takead_training.settings import Mix, Preference
from takead_training.stages.fit import batch_of
from takead_training.stages.losses import log_probabilities
from takead_training.stages.preference import PREFERENCE, find_pairs
from takead_training.stages.stage import Task

pytestmark = pytest.mark.slow


def test_pairs_are_where_the_expert_is_safer_and_chose_differently() -> None:
    table = with_choices(make_table(400))
    table["choice"][:20] = -1
    table["choice"][20:40] = FOREIGN
    net = fresh_net()
    pairs = find_pairs(Dataset.of(VECTOR_1, table), net.anchors, margin=0.02)
    kept = pairs.chosen >= 0
    assert pairs.counts["pairs"] == kept.sum() > 20
    assert np.all(table["expert_score"][kept] > table["policy_score"][kept] + 0.02)
    assert np.all(pairs.chosen[kept] != pairs.rejected[kept])
    assert not kept[:20].any()
    assert np.all(pairs.rejected[20:40][kept[20:40]] >= 0)
    transition = np.isin(table["label"], [LABELS.index(Label.TAKEOVER_START), LABELS.index(Label.HANDBACK)])
    assert not kept[transition].any()
    assert sum(n for name, n in pairs.counts.items() if name != "frames") == pairs.counts["frames"] == 380


@pytest.mark.parametrize("loss", ["dpo", "simpo"])
def test_preference_training_makes_the_policy_prefer_the_expert(tmp_path: Path, loss: str) -> None:
    data = Dataset.of(VECTOR_1, with_choices(make_table(150)))
    net = fresh_net()
    settings = Preference(loss=loss, weight=10.0, mix=Mix(draws=200), schedule=QUICK, may_fall=9.0)  # type: ignore[arg-type]
    pairs = find_pairs(data, net.anchors, settings.margin)
    kept = np.flatnonzero(pairs.chosen >= 0)
    rows = batch_of(data, kept, ())

    def margin() -> float:
        with torch.no_grad():
            logits = net(rows)["logits"]
        chosen, rejected = (torch.from_numpy(side[kept]) for side in (pairs.chosen, pairs.rejected))
        return float((log_probabilities(logits, chosen) - log_probabilities(logits, rejected)).mean())

    before = margin()
    outcome = PREFERENCE.train(Task(net, data, tmp_path / "state"), settings)
    assert margin() > before + 0.5
    assert outcome.history[-1]["right"] > 0.7 and outcome.used["loss"] == loss


def test_a_falling_chosen_side_stops_the_preference_and_undoes_the_epoch(tmp_path: Path) -> None:
    data = Dataset.of(VECTOR_1, with_choices(make_table(150)))
    # A rise of more than 20 nats is asked for: no epoch can be accepted.
    settings = Preference(mix=Mix(draws=96), schedule=QUICK, may_fall=-20.0)
    net = fresh_net()
    outcome = PREFERENCE.train(Task(net, data, tmp_path / "state"), settings)
    assert len(outcome.history) == 1 and outcome.history[0]["stopped"] == 1.0
    assert same_weights(net, fresh_net())
    again = PREFERENCE.train(Task(fresh_net(), data, tmp_path / "state"), settings)
    assert again.history == outcome.history and same_weights(again.net, fresh_net())


def test_without_pairs_the_weights_stay(tmp_path: Path) -> None:
    net = fresh_net()
    settings = Preference(mix=Mix(draws=100), schedule=QUICK)
    outcome = PREFERENCE.train(Task(net, make_data(200), tmp_path / "state"), settings)
    assert outcome.history == [{"pairs": 0.0}] and same_weights(net, fresh_net())


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "ppo"},
        {"rejected": "any"},
        {"beta": 0.0},
        {"weight": -1.0},
        {"share": 1.0},
        {"beta": float("nan")},
        {"gamma": float("inf")},
        {"may_fall": float("nan")},
    ],
    ids=lambda value: next(iter(value)),
)
def test_bad_preference_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(TakeadError, match="expected"):
        Preference(**settings)  # type: ignore[arg-type]
