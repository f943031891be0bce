"""One stage of training: deterministic, and resumable at every epoch with the same result, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from takead_ros.domain.errors import TakeadError
from takead_training.checkpoint import load_torch, save_torch
from takead_training.net import PolicyNet
from takead_training.samples import Table

Batch = dict[str, Tensor]
LossOf = Callable[[dict[str, Tensor], Batch], tuple[Tensor, dict[str, float]]]
Progress = Callable[[int, int, dict[str, float]], None]


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
            if not getattr(self, name) > 0:
                raise TakeadError(f"--{name} {getattr(self, name)}: expected a value above 0")


def prepare(schedule: Schedule) -> None:
    """Make torch deterministic: the same data, seed and thread count give the same weights."""
    torch.set_num_threads(schedule.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(schedule.seed)


def tensors(table: Table) -> Batch:
    """The table's columns as tensors."""
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in table.items()}


def fit(
    net: PolicyNet, data: Batch, draw: Callable[[int], np.ndarray], loss_of: LossOf, schedule: Schedule,
    state: Path, progress: Progress | None = None,
) -> list[dict[str, float]]:  # fmt: skip
    """Train ``net`` in place with AdamW and a warmed-up cosine rate; returns the mean figures of each epoch.

    ``draw(epoch)`` gives the rows of ``data`` to use in that epoch, in order. ``loss_of(outputs, batch)`` gives the
    loss and figures to report. After each epoch everything needed to go on is in file ``state``; where that file
    exists already, training goes on from there. Raises TakeadError where it belongs to another schedule.
    """
    optimiser = torch.optim.AdamW(net.parameters(), lr=schedule.rate, weight_decay=schedule.decay)
    history: list[dict[str, float]] = []
    if state.exists():
        history = _resume(net, optimiser, schedule, state)
    steps_done = sum(int(epoch["steps"]) for epoch in history)
    for epoch in range(len(history), schedule.epochs):
        rows = draw(epoch)
        steps_total = math.ceil(len(rows) / schedule.batch) * schedule.epochs
        sums: dict[str, float] = {}
        count = 0
        net.train()
        for chosen in _batches(rows, schedule.batch):
            batch = {name: values[chosen] for name, values in data.items()}
            loss, figures = loss_of(net(batch), batch)
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate * _rate(steps_done, steps_total)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            steps_done, count = steps_done + 1, count + 1
            for name, value in {"loss": float(loss.detach()), **figures}.items():
                sums[name] = sums.get(name, 0.0) + value
        history.append({"steps": float(count), **{name: value / count for name, value in sums.items()}})
        _save(net, optimiser, schedule, history, state)
        if progress:
            progress(epoch + 1, schedule.epochs, history[-1])
    net.eval()
    return history


def _batches(rows: np.ndarray, size: int) -> Iterator[Tensor]:
    for start in range(0, len(rows), size):
        yield torch.from_numpy(rows[start : start + size])


def _rate(step: int, steps: int) -> float:
    """Share of the peak rate: linear warm-up over 5 % of the steps, then a cosine down to 5 %."""
    warm = max(0.05 * steps, 1.0)
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.05 + 0.475 * (1.0 + math.cos(math.pi * min((step - warm) / max(steps - warm, 1.0), 1.0)))


def _save(
    net: PolicyNet, optimiser: torch.optim.Optimizer, schedule: Schedule, history: list[dict[str, float]], state: Path
) -> None:
    save_torch(
        {
            "schedule": asdict(schedule),
            "history": history,
            "net": net.state_dict(),
            "optimiser": optimiser.state_dict(),
        },
        state,
    )


def _resume(
    net: PolicyNet, optimiser: torch.optim.Optimizer, schedule: Schedule, state: Path
) -> list[dict[str, float]]:
    stored = load_torch(state, "training state")
    if stored.get("schedule") != asdict(schedule):
        raise TakeadError(
            f"training state {state}: was begun with {stored.get('schedule')}, now asked for {asdict(schedule)}; "
            "repeat the first command, or name another output"
        )
    net.load_state_dict(stored["net"])
    optimiser.load_state_dict(stored["optimiser"])
    history: list[dict[str, float]] = stored["history"]
    return history


def choice_figures(net: PolicyNet, data: Batch, rows: np.ndarray, batch: int = 512) -> dict[str, float]:
    """How the network's top choice compares with the better driver on ``rows``: mean distance of the plans in m over
    their steps (ade_m) and at the end (fde_m), and the share of exact anchor matches."""
    from takead_training.losses import nearest_anchor, unroll

    sums = np.zeros(3)
    with torch.no_grad():
        for chosen in _batches(rows, batch):
            part = {name: values[chosen] for name, values in data.items()}
            out: dict[str, Any] = net(part)
            best = out["logits"].argmax(1)
            plan = out["profiles"][torch.arange(len(best)), best]
            mine, theirs = unroll(plan, part["speed"]), unroll(part["profile"], part["speed"])
            apart = torch.sqrt((mine[0] - theirs[0]) ** 2 + (mine[1] - theirs[1]) ** 2)
            match = best == nearest_anchor(part["profile"], net.anchors, part["speed"])
            sums += [float(apart.mean(1).sum()), float(apart[:, -1].sum()), float(match.sum())]
    names = ("ade_m", "fde_m", "match")
    return {name: float(value) for name, value in zip(names, sums / max(len(rows), 1), strict=True)}
