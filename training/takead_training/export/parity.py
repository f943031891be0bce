"""The gate between torch and ONNX Runtime: on recorded frames both must say the same, and something finite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from takead_ros.domain.errors import TakeadError
from takead_ros.policy.model import Policy
from takead_ros.policy.vocabulary import unroll
from takead_training.architectures.network import PolicyNetwork
from takead_training.checkpoint import Frames

LIMITS = {"position_m": 1e-3, "speed_m_s": 1e-3, "steering_rad": 1e-4, "acceleration_m_s2": 1e-3, "logit": 1e-3}


@dataclass(frozen=True)
class Parity:
    """Largest differences between torch and ONNX Runtime over ``frames`` recorded frames, all candidates, all steps."""

    frames: int
    position_m: float
    speed_m_s: float
    steering_rad: float
    acceleration_m_s2: float
    logit: float
    same_choice: bool

    def check(self) -> None:
        """Raises TakeadError where a difference is above its limit or a top choice differs."""
        for name, limit in LIMITS.items():
            if not getattr(self, name) <= limit:
                raise TakeadError(f"export: parity {name} is {getattr(self, name):.2g}, at most {limit:.0e} is allowed")
        if not self.same_choice:
            raise TakeadError("export: torch and ONNX Runtime choose different plans on a recorded frame")


def measure_parity(net: PolicyNetwork, policy: Policy, frames: Frames) -> Parity:
    """Run both on encoded ``frames`` (arrays (F, ...) named as the format's inputs) and compare what they say.

    The ONNX model is run on each frame alone, as a vehicle does, and on all of them as one batch; the larger
    difference counts. Raises TakeadError where an output of either side is not finite.
    """
    net = net.eval()
    encoded = {name: np.asarray(frames[name], np.float32) for name in net.format.inputs}
    count = len(next(iter(encoded.values())))
    with torch.no_grad():
        out = net({name: torch.from_numpy(values) for name, values in encoded.items()})
    mine = {name: values.double().numpy() for name, values in out.items() if name in net.format.outputs}
    each = [policy.run({name: values[i] for name, values in encoded.items()}) for i in range(count)]
    alone = {name: np.stack([one[name] for one in each]) for name in mine}
    together = policy.run_batch(encoded)
    for side, values in (("torch", mine), ("ONNX Runtime", alone), ("ONNX Runtime (batch)", together)):
        for name in mine:
            if not np.isfinite(values[name]).all():
                raise TakeadError(f"export: output '{name}' of {side} is not finite on a recorded frame")
    speed = encoded["ego"][:, 0].astype(float) * net.format.normalisation["speed_m_s"]
    gaps = [_gaps(mine, theirs, speed) for theirs in (alone, together)]
    worst = {name: float(np.max([found[name] for found in gaps])) for name in LIMITS}  # NaN, where one is
    chosen = mine["logits"].argmax(-1)
    same = all(bool((chosen == theirs["logits"].argmax(-1)).all()) for theirs in (alone, together))
    return Parity(frames=count, same_choice=same, **worst)


def _gaps(mine: dict[str, np.ndarray], theirs: dict[str, np.ndarray], speed: np.ndarray) -> dict[str, float]:
    roads = [unroll(out["profiles"], speed[:, None, None], 0.0) for out in (mine, theirs)]
    found = {
        "position_m": np.abs(np.stack(roads[0][:2]) - np.stack(roads[1][:2])).max(),
        "speed_m_s": np.abs(roads[0][2] - roads[1][2]).max(),
        "steering_rad": np.abs(mine["control"][:, 0] - theirs["control"][:, 0]).max(),
        "acceleration_m_s2": np.abs(mine["control"][:, 1] - theirs["control"][:, 1]).max(),
        "logit": np.abs(mine["logits"] - theirs["logits"]).max(),
    }
    return {name: float(value) for name, value in found.items()}
