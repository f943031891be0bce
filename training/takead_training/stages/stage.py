"""What a stage of training is: a named step with its columns and settings that makes one network of another.

A round is a list of stages, run by one loop (``run_stages``). To add an objective, write one file with a ``Stage`` and
put it into ``registry.STAGES``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from takead_ros.domain.errors import TakeadError
from takead_training.architectures.network import PolicyNetwork
from takead_training.checkpoint import Checkpoint, Frames, ModelProvenance, load_checkpoint, save_checkpoint
from takead_training.data.dataset import Dataset
from takead_training.stages.devices import Devices

S = TypeVar("S")
Figures = dict[str, float]
Progress = Callable[[int, int, Figures], None]  # steps done, steps in all, mean figures of the epoch


@dataclass(frozen=True)
class Task:
    """What a stage works on: the network as it was left (None: there is none yet), the rows, the file that keeps an
    unfinished training, whom to tell of its steps and of what goes before them, and what it runs on."""

    net: PolicyNetwork | None
    data: Dataset
    state: Path
    progress: Progress | None = None
    preparing: Progress | None = None
    devices: Devices = field(default_factory=Devices)

    def network(self, stage: str) -> PolicyNetwork:
        """The network to train on. Raises TakeadError where there is none."""
        if self.net is None:
            raise TakeadError(f"stage '{stage}': there is no network to train on; expected one from an earlier stage")
        return self.net


@dataclass(frozen=True)
class Outcome:
    """What came of a stage: the network, the figures of each epoch, and what the manifest says of it."""

    net: PolicyNetwork
    history: list[Figures]
    used: dict[str, Any]


@dataclass(frozen=True)
class Stage(Generic[S]):
    """``settings`` is a dataclass of plain values, ``columns`` are the targets that ``train`` reads, besides the
    format's inputs. ``train`` is deterministic in task and settings and goes on from ``task.state``."""

    name: str
    columns: tuple[str, ...]
    settings: S
    train: Callable[[Task, S], Outcome]

    def with_settings(self, settings: S) -> Stage[S]:
        return replace(self, settings=settings)

    def description(self) -> dict[str, Any]:
        """Name and settings as plain values."""
        return {"stage": self.name, **asdict(self.settings)}  # type: ignore[call-overload]


def run_stages(
    stages: Sequence[Stage[Any]],
    net: PolicyNetwork | None,
    data: Dataset,
    provenance: ModelProvenance,
    frames: Frames,
    place: Callable[[int, Stage[Any]], Path],
    report: Callable[[str, int, int, Figures], None],
    done: Callable[[Stage[Any], Outcome], None],
    devices: Devices | None = None,
) -> Checkpoint:
    """Run ``stages`` one after the other from ``net``; each one's checkpoint goes to ``place(number, stage)``.

    A stage whose checkpoint lies there already is not run again. ``done`` is told before a checkpoint is written.
    ``devices``: what the gradient steps run on, else one CPU process.
    """
    devices = devices or Devices()
    checkpoint: Checkpoint | None = None
    for number, stage in enumerate(stages):
        file = place(number, stage)
        if file.exists():
            checkpoint = load_checkpoint(file)
            continue
        state = file.with_name(file.name + ".state")
        last = net if checkpoint is None else checkpoint.net
        preparing = partial(report, f"{stage.name}: score anchors")
        task = Task(last, data, state, partial(report, stage.name), preparing, devices)
        outcome = stage.train(task, stage.settings)
        if not outcome.net.finite():
            raise TakeadError(f"stage '{stage.name}': left weights that are not finite; nothing was written")
        used = outcome.used if devices.plain else {**outcome.used, "devices": asdict(devices)}
        before = provenance if checkpoint is None else checkpoint.provenance
        checkpoint = Checkpoint(outcome.net, before.after(stage.name, used), frames)
        done(stage, outcome)
        save_checkpoint(checkpoint, file)
        state.unlink(missing_ok=True)
    if checkpoint is None:
        raise TakeadError("training: no stage was asked for")
    return checkpoint
