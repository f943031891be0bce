"""Networks and a quick schedule for the tests of training."""

from __future__ import annotations

import pytest
import torch

from takead_ros.policy.vocabulary import kinematic_anchors
from takead_training.architectures.network import PolicyNetwork
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.settings import DEFAULT_ARCHITECTURE, Schedule

pytestmark = pytest.mark.slow
QUICK = Schedule(epochs=3, batch=32, rate=1e-3, threads=1)


def same_weights(first: PolicyNetwork, second: PolicyNetwork) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def fresh_net(seed: int = 0) -> PolicyNetwork:
    torch.manual_seed(seed)
    return ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors())
