"""Scores over all anchors as a target: exact on small cases, and at work on a world made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from support.blocked_road import BRAKE, STEADY, blocked
from support.tables import make_table
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors
from takead_training.architectures.network import PolicyNetwork
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.data.dataset import Dataset
from takead_training.settings import DEFAULT_ARCHITECTURE, Distil, Imitation, Mix, Schedule
from takead_training.stages.anchor_scores import anchor_utilities, with_world
from takead_training.stages.distil import DISTIL, optimum, score_target
from takead_training.stages.fit import batch_of
from takead_training.stages.imitation import COLUMNS, hide_speed, imitation_loss
from takead_training.stages.losses import SPREAD
from takead_training.stages.preference import find_near_misses
from takead_training.stages.stage import Task

QUICK = Schedule(epochs=6, batch=32, rate=2e-3, threads=1)


def fresh_net() -> PolicyNetwork:
    torch.manual_seed(0)
    return ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors()).eval()


values = st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=12)


@settings(max_examples=80, deadline=None)
@given(first=values, second=st.data())
def test_no_infeasible_anchor_outweighs_a_feasible_one_as_near(first: list[float], second: st.DataObject) -> None:
    utilities = np.array([[u if u >= 0.0 else -1.0 + 0.25 * (1.0 + u) for u in first]])
    apart = np.full_like(utilities, second.draw(st.floats(0.0, 30.0)))
    target = score_target(utilities, apart, Distil())
    assert target.sum() == pytest.approx(1.0) and (target > 0.0).all()
    order = np.argsort(utilities[0], kind="stable")
    assert (np.diff(target[0][order]) >= -1e-12).all()  # as good as the score says
    feasible = utilities[0] >= 0.0
    if feasible.any() and (~feasible).any():
        assert target[0][feasible].min() > target[0][~feasible].max()


def test_the_target_is_the_product_of_similarity_and_score() -> None:
    utilities, apart = np.array([[0.5, 1.0]]), np.array([[0.0, SPREAD]])
    settings = Distil(floor=0.01, score_weight=2.0)
    score = 0.01 + 0.99 * utilities
    wanted = np.exp(-0.5 * (apart / SPREAD) ** 2) * score**2
    np.testing.assert_allclose(score_target(utilities, apart, settings), wanted / wanted.sum())
    alone = score_target(utilities, apart, replace(settings, score_weight=0.0))
    np.testing.assert_allclose(alone[0, 0] / alone[0, 1], np.exp(0.5))


def test_the_optimum_is_that_of_the_kl_regularised_problem() -> None:
    random = np.random.default_rng(3)
    reference = np.log(random.dirichlet(np.ones(6), size=1))
    utilities = random.uniform(-1.0, 1.0, size=(1, 6))

    def worth(p: np.ndarray, beta: float) -> float:
        return float((p * utilities).sum() - beta * (p * (np.log(p) - reference)).sum())

    for beta in (0.1, 0.3, 2.0):
        best = optimum(utilities, reference, beta)
        others = random.dirichlet(np.ones(6), size=300)
        assert all(worth(other[None], beta) <= worth(best, beta) + 1e-9 for other in others)
    np.testing.assert_allclose(optimum(utilities, reference, 1e6), np.exp(reference), atol=1e-5)


def test_every_anchor_is_scored_where_the_clip_knows_its_world() -> None:
    data = blocked(8)
    rows = with_world(data)
    assert rows.tolist() == list(range(8))
    found = anchor_utilities(data, rows[:2], kinematic_anchors())
    assert found.shape == (2, 128)
    assert found[0, STEADY] < -0.7 < 0.0 < found[0, BRAKE]
    assert len(with_world(Dataset.of(VECTOR_1, make_table(5)))) == 0


def test_the_near_miss_is_the_unsafe_anchor_nearest_to_the_experts_plan() -> None:
    data = blocked(6)
    net = fresh_net()
    pairs = find_near_misses(data, net.anchors)
    assert pairs.counts["pairs"] == 6 and sum(n for k, n in pairs.counts.items() if k != "frames") == 6
    assert set(pairs.chosen) == {BRAKE}
    utilities = anchor_utilities(data, np.arange(6), kinematic_anchors())
    assert (utilities[np.arange(6), pairs.rejected] < 0.0).all()
    assert STEADY not in set(pairs.rejected)  # going on is worse, but it is no near miss


@pytest.mark.slow
@pytest.mark.parametrize("target", ["scores", "optimum"])
def test_distilling_takes_weight_from_what_hits_and_gives_it_to_what_does_not(tmp_path: Path, target: str) -> None:
    data, net = blocked(), fresh_net()
    utilities = torch.from_numpy(anchor_utilities(data, np.arange(30), kinematic_anchors()))

    def expected() -> tuple[float, float]:
        with torch.no_grad():
            chance = torch.softmax(net(batch_of(data, np.arange(30), ()))["logits"].double(), -1)
        return float((chance * utilities).sum(-1).mean()), float(chance[:, BRAKE].mean())

    before = expected()
    chosen = Distil(target=target, mix=Mix(draws=60), schedule=QUICK, weight=5.0, frames=25)  # type: ignore[arg-type]
    outcome = DISTIL.train(Task(net, data, tmp_path / "state"), chosen)
    after = expected()
    assert after[0] > before[0] + 0.1 and after[1] > before[1]
    assert 20 <= outcome.used["scored"] <= 25 and outcome.used["frames_without_feasible"] == 0
    assert outcome.history[-1]["distil"] < outcome.history[0]["distil"]


def test_distillation_without_any_world_and_bad_settings_are_refused(tmp_path: Path) -> None:
    data = Dataset.of(VECTOR_1, make_table(120))
    with pytest.raises(TakeadError, match="no clip's world is known"):
        DISTIL.train(Task(fresh_net(), data, tmp_path / "state"), Distil(schedule=QUICK))
    for bad in ({"target": "best"}, {"beta": 0.0}, {"floor": 1.0}, {"score_weight": float("nan")}, {"frames": 0}):
        with pytest.raises(TakeadError, match="expected"):
            Distil(**bad)  # type: ignore[arg-type]


def test_the_egos_speed_can_be_hidden_from_some_samples() -> None:
    data = Dataset.of(VECTOR_1, make_table(400))
    batch = batch_of(data, np.arange(400), ("speed",))
    torch.manual_seed(0)
    hidden = hide_speed(batch, Imitation(speed_dropout=0.25))
    gone = hidden["ego"][:, 0] == 0.0
    assert float(gone.float().mean()) == pytest.approx(0.25, abs=0.07)
    assert torch.all(hidden["ego"][gone][:, 12] == 0.0)
    assert torch.equal(hidden["ego"][:, 1:12], batch["ego"][:, 1:12]) and torch.equal(hidden["speed"], batch["speed"])
    assert torch.equal(hidden["ego"][~gone], batch["ego"][~gone])
    assert hide_speed(batch, Imitation()) is batch
    for bad in (
        {"speed_dropout": 1.0},
        {"speed_dropout": float("nan")},
        {"speed_target": "mean"},
        {"weight": -1.0},
        {"forecast": -1.0},
    ):
        with pytest.raises(TakeadError, match="expected"):
            Imitation(**bad)  # type: ignore[arg-type]


def test_the_imitation_term_is_weighted() -> None:
    net = fresh_net()
    batch = batch_of(Dataset.of(VECTOR_1, make_table(8)), np.arange(8), COLUMNS)
    out = net(batch)
    once, twice, without = (imitation_loss(net, out, batch, Imitation(weight=w))[0] for w in (1.0, 2.0, 0.0))
    torch.testing.assert_close(twice, 2.0 * once)
    assert once > 0.0 and without == 0.0
