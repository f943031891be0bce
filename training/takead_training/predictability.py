"""How well each label can be predicted from its own inputs: what a network can never learn, because nobody told it.

Every episode is predicted by a small network that learned from the others (folds over episodes, the same share of every
family in each), once from the inputs as they are encoded, and once with a memory of the same episode beside them: the
ego's speed so far, for how long it has stood, how far it has come since. Where the residual stays large, a label holds
what its inputs do not; where memory shrinks it, a short history is what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from takead_ros.domain.driving import PLAN_STEPS
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.data import cache
from takead_training.data.clips import RefusedClip, find_clips
from takead_training.data.dataset import Dataset
from takead_training.settings import DEFAULT_ARCHITECTURE, Schedule
from takead_training.stages.fit import make_deterministic

Rows = NDArray[np.int64]
Report = Callable[[str, int, int], None]  # phase, done, total
FRAME_S = 0.1  # between two frames of a clip
AGO_S = (0.5, 1.0, 2.0)  # of the ego's own speed in the memory
STANDS_MPS = 0.3
LONGEST_S, FARTHEST_M = 10.0, 30.0  # for which it has stood; since it stood
MEMORY = len(AGO_S) + 2
SETS = ("objects", "lines", "controls")  # inputs of any number, each with a mask
SINGLE = ("ego", "path", "targets")
SPEED_SCALE_MPS, ASIDE_SCALE_M = 2.0, 0.5  # errors of one unit in the loss
WRONG_MPS = 2.0  # a speed label that is missed by more


@dataclass(frozen=True)
class Measured:
    """Held-out errors over some frames.

    frames, episodes: how many. speed_deviation_mps: of the labels (2 s ahead) from their mean; speed_rms_mps: of what
    was predicted from the inputs; speed_unexplained: the square of their ratio, 0..1 and more; speed_wrong: share of
    frames with an error above 2 m/s. aside_rms_m: of the path's eight offsets. The same with the memory.
    """

    frames: int
    episodes: int
    speed_deviation_mps: float
    speed_rms_mps: float
    speed_unexplained: float
    speed_wrong: float
    aside_rms_m: float
    memory_speed_rms_mps: float
    memory_speed_unexplained: float
    memory_speed_wrong: float
    memory_aside_rms_m: float


class SetReader(nn.Module):
    """A row of the encoding and a memory (B, 5) to the speed label (m/s) and the path's offsets (m): (B, 1 + 8)."""

    def __init__(self, widths: Mapping[str, int], memory: bool, hidden: int = 64) -> None:
        super().__init__()
        self._memory = memory
        self.sets = nn.ModuleDict(
            {
                name: nn.Sequential(nn.Linear(widths[name], hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
                for name in SETS
            }
        )
        single = sum(widths[name] for name in SINGLE) + (MEMORY if memory else 0)
        self.head = nn.Sequential(
            nn.Linear(single + len(SETS) * hidden, 2 * hidden),
            nn.ReLU(),
            nn.Linear(2 * hidden, 2 * hidden),
            nn.ReLU(),
            nn.Linear(2 * hidden, 1 + PLAN_STEPS),
        )

    def forward(self, inputs: Mapping[str, Tensor], memory: Tensor) -> Tensor:
        parts = [inputs[name] for name in SINGLE] + ([memory] if self._memory else [])
        for name in SETS:
            read = self.sets[name](inputs[name]) * inputs[f"{name}_mask"][..., None]
            parts.append(read.amax(1))  # features are not negative, so what is masked never counts
        found: Tensor = self.head(torch.cat(parts, dim=1))
        return found


def memory_of(speed: FloatArray, frame: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the ego could remember at each frame of an episode: (N, 5), each about 0..1.

    speed (N,) m/s; frame (N,): its number, ascending, FRAME_S apart.
    """
    time = frame * FRAME_S
    ago = [np.interp(time - before, time, speed) / 10.0 for before in AGO_S]
    stood, since = np.zeros(len(speed)), np.full(len(speed), FARTHEST_M)
    for i in range(1, len(speed)):
        step = time[i] - time[i - 1]
        if speed[i] < STANDS_MPS:
            stood[i], since[i] = min(stood[i - 1] + step, LONGEST_S), 0.0
        else:
            since[i] = min(since[i - 1] + speed[i] * step, FARTHEST_M)
    return np.stack([*ago, stood / LONGEST_S, since / FARTHEST_M], axis=-1).astype(np.float32)


def measure_clips(
    clips: Sequence[Path], encoded: Path, schedule: Schedule, folds: int, workers: int, report: Report
) -> tuple[dict[str, Measured], tuple[RefusedClip, ...]]:
    """``measure`` on the clips below some folders, encoded in the folder ``encoded``; and what was left out."""
    found = find_clips(clips)
    format = ARCHITECTURES[DEFAULT_ARCHITECTURE].format
    data, unread = cache.load(found.clips, encoded, format, workers, lambda done, of: report("read clips", done, of))
    lost = {one.path for one in unread}
    families = [clip.manifest.provenance.scenario for clip in found.clips if clip.path not in lost]
    results = measure(
        data, families, schedule, folds, lambda phase, done, of: report(f"predict from {phase}", done, of)
    )
    return results, (*found.refused, *unread)


def measure(
    data: Dataset,
    families: Sequence[str],
    schedule: Schedule,
    folds: int = 3,
    report: Report | None = None,
) -> dict[str, Measured]:
    """By family, worst first by what of the speed is not explained; ``all`` comes last.

    data: one part for each episode; families: of each part. Raises TakeadError where a family has fewer episodes than
    folds, or there is nothing to learn from.
    """
    for family in sorted(set(families)):
        if families.count(family) < folds:
            raise TakeadError(
                f"predictability: family {family} has {families.count(family)} episodes, expected at least {folds}"
            )
    plain = np.flatnonzero(data.column("perturbed") == 0)
    if not len(plain):
        raise TakeadError("predictability: no frame to learn from, expected clips of demonstrations")
    part = data.part_of(plain)
    memory = np.zeros((len(plain), MEMORY), np.float32)
    for one in np.unique(part):
        rows = np.flatnonzero(part == one)
        memory[rows] = memory_of(data.column("speed")[plain[rows]], data.column("frame")[plain[rows]])
    fold = _folds(families, folds)[part]
    labels = np.column_stack([data.column("target_speed")[plain], data.column("profile")[plain][:, :, 1]])
    errors = [np.zeros_like(labels), np.zeros_like(labels)]
    for k, error in enumerate(errors):
        for held_out in range(folds):
            learned, asked = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
            if report is not None:
                report("memory" if k else "inputs", held_out, folds)
            error[asked] = _predict(data, plain, labels, memory, (learned, asked), k == 1, schedule) - labels[asked]
    of = np.array(families)[part]
    found = {family: _measured(labels, errors, part, of == family) for family in sorted(set(families))}
    order = sorted(found, key=lambda family: -found[family].speed_unexplained)
    return {**{family: found[family] for family in order}, "all": _measured(labels, errors, part, of == of)}


def _folds(families: Sequence[str], folds: int) -> NDArray[np.int64]:
    """The fold of each episode: those of a family are dealt out in turn."""
    seen: dict[str, int] = {}
    found = []
    for family in families:
        found.append(seen.get(family, 0) % folds)
        seen[family] = seen.get(family, 0) + 1
    return np.array(found, dtype=np.int64)


def _predict(
    data: Dataset,
    plain: Rows,
    labels: FloatArray,
    memory: NDArray[np.float32],
    split: tuple[Rows, Rows],
    remembers: bool,
    schedule: Schedule,
) -> FloatArray:
    """Labels of the second rows of ``split`` by a network that learned from the first."""
    make_deterministic(schedule)
    learned, asked = split
    shapes = {name: tensor.shape for name, tensor in data.format.inputs.items()}
    net = SetReader({name: shapes[name][-1] for name in (*SETS, *SINGLE)}, remembers)
    scale = torch.tensor([SPEED_SCALE_MPS, *[ASIDE_SCALE_M] * PLAN_STEPS])
    optimiser = torch.optim.AdamW(net.parameters(), lr=schedule.rate, weight_decay=schedule.decay)
    steps = schedule.epochs * -(-len(learned) // schedule.batch)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.rate, total_steps=steps)
    order = np.random.default_rng(schedule.seed)

    def inputs(rows: Rows) -> tuple[dict[str, Tensor], Tensor]:
        batch = data.batch(plain[rows], ())
        return {name: torch.from_numpy(values) for name, values in batch.items()}, torch.from_numpy(memory[rows])

    for _ in range(schedule.epochs):
        mixed = order.permutation(learned)
        for at in range(0, len(mixed), schedule.batch):
            rows = mixed[at : at + schedule.batch]
            error = (net(*inputs(rows)) - torch.from_numpy(labels[rows].astype(np.float32))) / scale
            loss = nn.functional.smooth_l1_loss(error, torch.zeros_like(error))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            plan.step()
    with torch.no_grad():
        found = [net(*inputs(asked[at : at + 1024])).numpy() for at in range(0, len(asked), 1024)]
    return np.concatenate(found).astype(float)


def _measured(labels: FloatArray, errors: Sequence[FloatArray], part: Rows, mask: NDArray[np.bool_]) -> Measured:
    deviation = float(labels[mask, 0].std())

    def rms(values: FloatArray) -> float:
        return float(np.sqrt((values**2).mean()))

    figures = []
    for error in errors:
        speed = rms(error[mask, 0])
        wrong = float((np.abs(error[mask, 0]) > WRONG_MPS).mean())
        figures += [speed, (speed / max(deviation, 1e-6)) ** 2, wrong, rms(error[mask, 1:])]
    return Measured(int(mask.sum()), len(np.unique(part[mask])), deviation, *figures)
