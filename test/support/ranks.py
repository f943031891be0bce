"""What runs on each of several devices, for tests: importable by the processes that are started for it."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor

from takead_ros.domain.errors import TakeadError
from takead_training.architectures.network import PolicyNetwork
from takead_training.settings import Imitation
from takead_training.stages.imitation import imitate


def digest(net: PolicyNetwork) -> str:
    """Of every weight and buffer."""
    found = hashlib.sha256()
    for name, values in sorted(net.state_dict().items()):
        found.update(name.encode() + values.cpu().numpy().tobytes())
    return found.hexdigest()


def checked_loss(net: PolicyNetwork, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
    """The loss of imitation; TakeadError where the ranks' weights are not the same, or their rows are."""
    if torch.distributed.is_initialized():
        found: list[Any] = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(found, (digest(net), float(batch["ego"].sum())))
        if len({weights for weights, _ in found}) > 1 or len({rows for _, rows in found}) < len(found):
            raise TakeadError(f"ranks: {found}; expected the same weights and other rows")
    return imitate(Imitation(), net, batch)
