"""The loop of gradient steps: deterministic, and resumable at every epoch with the same result, bit for bit."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from takead_ros.domain.errors import TakeadError
from takead_training.architectures.network import PolicyNetwork, TrainedNetwork
from takead_training.checkpoint import load_torch, save_torch
from takead_training.data.dataset import Dataset
from takead_training.settings import Schedule
from takead_training.stages.devices import Devices
from takead_training.stages.losses import nearest_anchor, unroll
from takead_training.stages.stage import Figures, Progress

Batch = dict[str, Tensor]
N = TypeVar("N", bound=TrainedNetwork)
Rows = NDArray[np.int64]
TELL_S = 0.5  # between two reports of progress within an epoch


class SampleTable(Protocol):
    """What is learned from, row by row."""

    def batch(self, rows: Rows, columns: Iterable[str]) -> Mapping[str, NDArray[Any]]:
        """The network's inputs and the named columns of ``rows`` (B,), in that order."""


def make_deterministic(schedule: Schedule) -> None:
    """Make torch deterministic: the same data, seed and thread count give the same weights on a CPU.

    CUDA lacks a deterministic version of some operations; there it only warns.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS is not deterministic either
    torch.set_num_threads(schedule.threads)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.manual_seed(schedule.seed)


def batch_of(data: SampleTable, rows: Rows, columns: Sequence[str], device: torch.device | None = None) -> Batch:
    """The inputs and ``columns`` of ``rows`` as tensors on ``device``, else on the CPU."""
    batch = {name: torch.from_numpy(values) for name, values in data.batch(rows, columns).items()}
    return batch if device is None else {name: values.to(device) for name, values in batch.items()}


@dataclass(frozen=True)
class _Work:
    """What ``fit`` was asked for."""

    net: TrainedNetwork
    data: SampleTable
    columns: Sequence[str]
    draw: Callable[[int], Rows]
    loss_of: Callable[[Any, Batch], tuple[Tensor, Figures]]
    schedule: Schedule
    state: Path
    accept: Callable[[Any], tuple[Figures, bool]] | None
    devices: Devices


def fit(
    net: N,
    data: SampleTable,
    columns: Sequence[str],
    draw: Callable[[int], Rows],
    loss_of: Callable[[N, Batch], tuple[Tensor, Figures]],
    schedule: Schedule,
    state: Path,
    progress: Progress | None = None,
    accept: Callable[[N], tuple[Figures, bool]] | None = None,
    devices: Devices | None = None,
) -> list[Figures]:
    """Train ``net`` in place with AdamW and a warmed-up cosine rate; returns the mean figures of each epoch.

    ``draw(epoch)`` gives the rows of ``data`` to use in that epoch, in order; ``loss_of(net, batch)`` the loss and
    figures to report. ``accept(net)``, where given, judges the network after an epoch: figures to add, and whether to
    go on; an epoch that it refuses is undone, is marked ``stopped`` and is the last. ``progress`` is told of the steps.
    After each epoch everything needed to go on is in file ``state``; where that file exists already, training goes on
    from there. With several ``devices`` each batch is shared out among them, and all that is handed in is pickled.

    Raises TakeadError where the state belongs to another schedule or other devices, and where a loss, a gradient or a
    weight is not finite; what was kept before is then still there.
    """
    devices = devices or Devices()
    work = _Work(net, data, columns, draw, loss_of, schedule, state, accept, devices)
    history: list[Figures] = devices.run(_steps, work, report=progress)
    if devices.count > 1:  # the weights came about in other processes
        net.load_state_dict(load_torch(state, "training state")["net"])
    net.to("cpu").eval()
    return history


def _steps(fabric: Any, work: _Work, progress: Progress | None) -> list[Figures]:
    """Every epoch that is still to come, on this device; its network is trained in place."""
    net, schedule, accept = work.net, work.schedule, work.accept
    if fabric.world_size > 1:
        make_deterministic(schedule)
    optimiser = torch.optim.AdamW(net.parameters(), lr=schedule.rate, weight_decay=schedule.decay, fused=True)
    model, stepped = fabric.setup(net, optimiser)
    history = _resume(net, optimiser, work) if work.state.exists() else []
    done = sum(int(epoch["steps"]) for epoch in history)
    said = time.monotonic()
    for epoch in range(len(history), schedule.epochs):
        if history and "stopped" in history[-1]:
            break
        rows = work.draw(epoch)
        total = math.ceil(len(rows) / schedule.batch) * schedule.epochs
        sums: Figures = {}
        count = 0
        before = copy.deepcopy(net.state_dict()) if accept else None
        model.train()
        for chosen in _batches(rows, schedule.batch):
            mine = _share(chosen, fabric.global_rank, fabric.world_size)
            loss, figures = work.loss_of(model, fabric.to_device(batch_of(work.data, mine, work.columns)))
            _demand_finite(loss, "loss", epoch, count)
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate * rate_share(done, total)
            optimiser.zero_grad(set_to_none=True)
            fabric.backward(loss * _weight(mine, chosen, fabric.world_size))
            norm = fabric.clip_gradients(model, stepped, max_norm=5.0, error_if_nonfinite=False)
            _demand_finite(norm, "gradient", epoch, count)
            stepped.step()
            done, count = done + 1, count + 1
            for name, value in {"loss": float(loss.detach()), **figures}.items():
                sums[name] = sums.get(name, 0.0) + value
            if progress and time.monotonic() - said > TELL_S:
                said = time.monotonic()
                progress(done, max(done, total), {name: value / count for name, value in sums.items()})
        if not net.finite():
            raise TakeadError(f"training: a weight is not finite after epoch {epoch + 1}; expected finite ones")
        history.append({"steps": float(count), **_mean(sums, count, fabric.world_size)})
        if accept and before is not None:
            more, go_on = fabric.broadcast(accept(net.eval()))
            history[-1].update(more)
            if not go_on:
                net.load_state_dict(before)
                history[-1]["stopped"] = 1.0
        if fabric.is_global_zero:
            save_torch(_state(net, optimiser, work, history), work.state)
        fabric.barrier()
        if progress:
            last = epoch + 1 == schedule.epochs or "stopped" in history[-1]
            progress(done, done if last else max(done, total), history[-1])
    return history


def _share(rows: Rows, rank: int, ranks: int) -> Rows:
    """The rows of a batch that one of several devices takes; all of them take the whole of one that is too small."""
    return rows[rank::ranks] if len(rows) >= ranks else rows


def _weight(mine: Rows, batch: Rows, ranks: int) -> float:
    """What the loss of a share is multiplied by, so that the mean over all devices is the mean over the batch."""
    return len(mine) * ranks / len(batch) if len(batch) >= ranks else 1.0


def _mean(sums: Figures, count: int, ranks: int) -> Figures:
    """Mean figures of an epoch, over all devices."""
    if ranks == 1:
        return {name: value / count for name, value in sums.items()}
    everywhere: list[Figures] = [{}] * ranks
    torch.distributed.all_gather_object(everywhere, sums)
    names = {name: None for one in everywhere for name in one}  # in order
    return {name: sum(one.get(name, 0.0) for one in everywhere) / ranks / count for name in names}


def _demand_finite(value: Tensor, what: str, epoch: int, step: int) -> None:
    if not bool(torch.isfinite(value.detach()).all()):
        raise TakeadError(
            f"training: the {what} is {float(value.detach()):g} in epoch {epoch + 1}, step {step + 1}; "
            "expected a finite one (lower --rate, or look for bad values in the clips)"
        )


def _batches(rows: Rows, size: int) -> Iterator[Rows]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def rate_share(step: int, steps: int) -> float:
    """Share of the peak rate: linear warm-up over 5 % of the steps, then a cosine down to 5 %."""
    warm = max(0.05 * steps, 1.0)
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.05 + 0.475 * (1.0 + math.cos(math.pi * min((step - warm) / max(steps - warm, 1.0), 1.0)))


def _state(
    net: TrainedNetwork, optimiser: torch.optim.Optimizer, work: _Work, history: list[Figures]
) -> dict[str, object]:
    return {
        **_asked(work),
        "history": history,
        "net": net.state_dict(),
        "optimiser": optimiser.state_dict(),
    }


def _asked(work: _Work) -> dict[str, object]:
    """What decides the weights, besides data and network."""
    schedule = asdict(work.schedule)
    return {"schedule": schedule if work.devices.plain else {**schedule, "devices": asdict(work.devices)}}


def _resume(net: TrainedNetwork, optimiser: torch.optim.Optimizer, work: _Work) -> list[Figures]:
    stored = load_torch(work.state, "training state")
    asked = _asked(work)["schedule"]
    if stored.get("schedule") != asked:
        raise TakeadError(
            f"training state {work.state}: was begun with {stored.get('schedule')}, now asked for {asked}; "
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
