from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from support.tables import make_data
from takead_ros.policy.vocabulary import kinematic_anchors, profile_distance
from takead_training.architectures.heads import SPEED_BINS
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.settings import DEFAULT_ARCHITECTURE
from takead_training.stages.fit import batch_of
from takead_training.stages.losses import (
    distances,
    dpo,
    imitation,
    log_probabilities,
    nearest_anchor,
    simpo,
    soft_choice,
    two_hot,
)


def numbers(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_the_distribution_is_exact() -> None:
    torch.manual_seed(0)
    net = ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors()).eval()
    logits = net(batch_of(make_data(16), np.arange(16), ()))["logits"].double()
    whole = torch.stack([log_probabilities(logits, torch.full((16,), k)) for k in range(logits.shape[1])]).exp().sum(0)
    torch.testing.assert_close(whole, torch.ones(16, dtype=torch.float64), atol=1e-6, rtol=0)


def test_dpo_by_hand() -> None:
    # beta 0.1: 0.1 * ((-1 + 2) - (-3 + 2)) = 0.2; -log sigmoid(0.2) = log(1 + e^-0.2)
    loss = dpo(numbers(-1.0), numbers(-3.0), numbers(-2.0), numbers(-2.0), beta=0.1)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(-0.2)), abs=1e-12)
    same = dpo(numbers(-1.0), numbers(-3.0), numbers(-1.0), numbers(-3.0), beta=0.1)
    assert float(same) == pytest.approx(math.log(2), abs=1e-12)  # as the reference: no preference learned yet


def test_simpo_by_hand() -> None:
    # beta 0.1, gamma 0.1: 0.1 * (-1 + 3) - 0.1 = 0.1
    loss = simpo(numbers(-1.0), numbers(-3.0), beta=0.1, gamma=0.1)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(-0.1)), abs=1e-12)


@pytest.mark.parametrize("loss", ["dpo", "simpo"])
def test_gradients_raise_the_chosen_and_lower_the_rejected(loss: str) -> None:
    logits = torch.zeros(1, 5, dtype=torch.float64, requires_grad=True)
    chosen, rejected = (log_probabilities(logits, torch.tensor([k])) for k in (1, 3))
    zero = torch.zeros(1, dtype=torch.float64)
    value = dpo(chosen, rejected, zero, zero, 0.1) if loss == "dpo" else simpo(chosen, rejected, 0.1, 0.1)
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert gradient[0, 1] < 0 < gradient[0, 3]
    assert gradient[0, 1] == pytest.approx(-float(gradient[0, 3]))
    assert torch.all(gradient[0, [0, 2, 4]] == 0.0)


def test_two_hot_keeps_the_value() -> None:
    values = torch.tensor([0.0, 0.4, 3.3, 10.0, 19.9, 20.0, 35.0])
    weights = two_hot(values)
    torch.testing.assert_close(weights.sum(1), torch.ones(len(values)))
    torch.testing.assert_close(weights @ torch.tensor(SPEED_BINS), values.clamp(max=20.0))
    assert torch.all((weights > 0).sum(1) <= 2)


def test_torch_and_numpy_agree_on_distances() -> None:
    random = np.random.default_rng(0)
    anchors, profiles = kinematic_anchors(), random.normal(size=(9, 8, 2))
    speed = random.uniform(0, 15, 9)
    mine = distances(torch.from_numpy(profiles), torch.from_numpy(anchors), torch.from_numpy(speed)).numpy()
    theirs = profile_distance(profiles[:, None], anchors[None], speed[:, None])
    np.testing.assert_allclose(mine, theirs, atol=1e-9)
    exact = nearest_anchor(torch.from_numpy(anchors), torch.from_numpy(anchors), torch.full((128,), 15.0))
    assert float((exact == torch.arange(128)).float().mean()) == 1.0


def test_the_speed_head_learns_two_bins_or_the_nearest_one() -> None:
    net = ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors()).eval()
    batch = batch_of(make_data(8), np.arange(8), ("profile", "speed", "target_speed", "control"))
    batch["target_speed"][:] = 3.0  # between the bins 2.5 and 4: a third of the way
    out = net(batch)
    logs = torch.log_softmax(out["speed_logits"], -1)
    soft = imitation(out, batch, net.anchors)["speed"]
    torch.testing.assert_close(soft, -(logs[:, 2] * 2 / 3 + logs[:, 3] / 3))
    torch.testing.assert_close(imitation(out, batch, net.anchors, "nearest")["speed"], -logs[:, 2])


def test_soft_choice_is_least_at_its_own_target() -> None:
    target = torch.softmax(torch.randn(3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), -1)
    logits = target.log().requires_grad_(True)
    (gradient,) = torch.autograd.grad(soft_choice(logits, target).sum(), logits)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-12, rtol=0)
    assert torch.all(soft_choice(torch.zeros_like(target), target) > soft_choice(logits, target))
