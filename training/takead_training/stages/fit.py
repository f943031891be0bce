"""The loop of gradient steps: deterministic, and resumable at every epoch with the same result, bit for bit."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from takead_ros.domain.errors import TakeadError
from takead_training.architectures.network import PolicyNetwork
from takead_training.checkpoint import load_torch, save_torch
from takead_training.data.dataset import Dataset
from takead_training.stages.losses import nearest_anchor, unroll
from takead_training.stages.stage import Figures, Progress

Batch = dict[str, Tensor]
LossOf = Callable[[PolicyNetwork, Batch], tuple[Tensor, Figures]]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: epochs, batch size, peak learning rate, weight decay, seed and threads."""

    epochs: int = 20
    batch: int = 256
    rate: float = 1e-3
    decay: float = 1e-4
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "rate", "threads"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise TakeadError(f"--{name} {value}: expected a value above 0")


def make_deterministic(schedule: Schedule) -> None:
    """Make torch deterministic: the same data, seed and thread count give the same weights."""
    torch.set_num_threads(schedule.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(schedule.seed)


def batch_of(data: Dataset, rows: Rows, columns: Sequence[str]) -> Batch:
    """The inputs and ``columns`` of ``rows`` as tensors."""
    return {name: torch.from_numpy(values) for name, values in data.batch(rows, columns).items()}


def fit(
    net: PolicyNetwork,
    data: Dataset,
    columns: Sequence[str],
    draw: Callable[[int], Rows],
    loss_of: LossOf,
    schedule: Schedule,
    state: Path,
    progress: Progress | None = None,
    accept: Callable[[PolicyNetwork], tuple[Figures, bool]] | None = None,
) -> list[Figures]:
    """Train ``net`` in place with AdamW and a warmed-up cosine rate; returns the mean figures of each epoch.

    ``draw(epoch)`` gives the rows of ``data`` to use in that epoch, in order; ``loss_of(net, batch)`` the loss and
    figures to report. ``accept(net)``, where given, judges the network after an epoch: figures to add, and whether to
    go on; an epoch that it refuses is undone, is marked ``stopped`` and is the last. After each epoch everything needed
    to go on is in file ``state``; where that file exists already, training goes on from there.

    Raises TakeadError where the state belongs to another schedule, and where a loss, a gradient or a weight is not
    finite; what was kept before is then still there.
    """
    optimiser = torch.optim.AdamW(net.parameters(), lr=schedule.rate, weight_decay=schedule.decay, fused=True)
    history = _resume(net, optimiser, schedule, state) if state.exists() else []
    steps_done = sum(int(epoch["steps"]) for epoch in history)
    for epoch in range(len(history), schedule.epochs):
        if history and "stopped" in history[-1]:
            break
        rows = draw(epoch)
        steps_total = math.ceil(len(rows) / schedule.batch) * schedule.epochs
        sums: Figures = {}
        count = 0
        before = copy.deepcopy(net.state_dict()) if accept else None
        net.train()
        for chosen in _batches(rows, schedule.batch):
            batch = batch_of(data, chosen, columns)
            loss, figures = loss_of(net, batch)
            _demand_finite(loss, "loss", epoch, count)
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate * _rate(steps_done, steps_total)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            _demand_finite(torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0), "gradient", epoch, count)
            optimiser.step()
            steps_done, count = steps_done + 1, count + 1
            for name, value in {"loss": float(loss.detach()), **figures}.items():
                sums[name] = sums.get(name, 0.0) + value
        if not net.finite():
            raise TakeadError(f"training: a weight is not finite after epoch {epoch + 1}; expected finite ones")
        history.append({"steps": float(count), **{name: value / count for name, value in sums.items()}})
        if accept and before is not None:
            more, go_on = accept(net.eval())
            history[-1].update(more)
            if not go_on:
                net.load_state_dict(before)
                history[-1]["stopped"] = 1.0
        save_torch(_state(net, optimiser, schedule, history), state)
        if progress:
            progress(epoch + 1, schedule.epochs, history[-1])
    net.eval()
    return history


def _demand_finite(value: Tensor, what: str, epoch: int, step: int) -> None:
    if not bool(torch.isfinite(value.detach()).all()):
        raise TakeadError(
            f"training: the {what} is {float(value.detach()):g} in epoch {epoch + 1}, step {step + 1}; "
            "expected a finite one (lower --rate, or look for bad values in the clips)"
        )


def _batches(rows: Rows, size: int) -> Iterator[Rows]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _rate(step: int, steps: int) -> float:
    """Share of the peak rate: linear warm-up over 5 % of the steps, then a cosine down to 5 %."""
    warm = max(0.05 * steps, 1.0)
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.05 + 0.475 * (1.0 + math.cos(math.pi * min((step - warm) / max(steps - warm, 1.0), 1.0)))


def _state(
    net: PolicyNetwork, optimiser: torch.optim.Optimizer, schedule: Schedule, history: list[Figures]
) -> dict[str, object]:
    return {
        "schedule": asdict(schedule),
        "history": history,
        "net": net.state_dict(),
        "optimiser": optimiser.state_dict(),
    }


def _resume(net: PolicyNetwork, optimiser: torch.optim.Optimizer, schedule: Schedule, state: Path) -> list[Figures]:
    stored = load_torch(state, "training state")
    if stored.get("schedule") != asdict(schedule):
        raise TakeadError(
            f"training state {state}: was begun with {stored.get('schedule')}, now asked for {asdict(schedule)}; "
            "repeat the first command, or name another output"
        )
    net.load_state_dict(stored["net"])
    optimiser.load_state_dict(stored["optimiser"])
    history: list[Figures] = stored["history"]
    return history


def choice_figures(net: PolicyNetwork, data: Dataset, rows: Rows, batch: int = 512) -> Figures:
    """How the network's top choice compares with the better driver on ``rows``: mean distance of the plans in m over
    their steps (ade_m) and at the end (fde_m), and the share of exact anchor matches."""
    sums = np.zeros(3)
    with torch.no_grad():
        for chosen in _batches(rows, batch):
            part = batch_of(data, chosen, ("profile", "speed"))
            out = net(part)
            best = out["logits"].argmax(1)
            plan = out["profiles"][torch.arange(len(best)), best]
            mine, theirs = unroll(plan, part["speed"]), unroll(part["profile"], part["speed"])
            apart = torch.sqrt((mine[0] - theirs[0]) ** 2 + (mine[1] - theirs[1]) ** 2)
            match = best == nearest_anchor(part["profile"], net.anchors, part["speed"])
            sums += [float(apart.mean(1).sum()), float(apart[:, -1].sum()), float(match.sum())]
    names = ("ade_m", "fde_m", "match")
    return {name: float(value) for name, value in zip(names, sums / max(len(rows), 1), strict=True)}
