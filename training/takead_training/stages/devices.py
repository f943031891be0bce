"""What a training runs on: one code path from the CPU to several GPUs (Lightning Fabric)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from takead_ros.domain.errors import TakeadError

ACCELERATORS = ("auto", "cpu", "cuda")
PRECISIONS = ("32", "bf16-mixed")
MOST_PROCESSES = 64  # on CPUs
Report = Callable[..., None]


@dataclass(frozen=True)
class Devices:
    """accelerator: auto takes CUDA where there is one. count: how many, each with its own process where there are
    several; a batch is shared out among them. precision: bf16-mixed needs CUDA.

    The same devices, precision, data, seed and threads give the same weights on CPUs, bit for bit; on CUDA nearly so.
    Raises TakeadError for what is not there.
    """

    accelerator: Literal["auto", "cpu", "cuda"] = "cpu"
    count: int = 1
    precision: Literal["32", "bf16-mixed"] = "32"

    def __post_init__(self) -> None:
        import torch

        if importlib.util.find_spec("lightning_fabric") is None:  # imported later, because that takes seconds
            raise TakeadError("training needs lightning-fabric; get it with: pip install 'takead_ros[training]'")
        if self.accelerator not in ACCELERATORS:
            raise TakeadError(f"--accelerator '{self.accelerator}': expected one of {', '.join(ACCELERATORS)}")
        if self.precision not in PRECISIONS:
            raise TakeadError(f"--precision '{self.precision}': expected one of {', '.join(PRECISIONS)}")
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if self.accelerator == "auto":
            object.__setattr__(self, "accelerator", "cuda" if there else "cpu")
        if self.accelerator == "cuda" and not there:
            raise TakeadError(
                f"--accelerator cuda: torch {torch.__version__} finds no CUDA device here; expected one, or cpu"
            )
        most = there if self.accelerator == "cuda" else MOST_PROCESSES
        if not 1 <= self.count <= most:
            raise TakeadError(f"--devices {self.count}: expected 1 to {most} with --accelerator {self.accelerator}")
        if self.precision == "bf16-mixed" and self.accelerator != "cuda":
            raise TakeadError(
                f"--precision bf16-mixed: needs CUDA, this is --accelerator {self.accelerator}; expected 32"
            )

    @property
    def plain(self) -> bool:
        """Whether this is what a training runs on unless asked otherwise."""
        return self == Devices()

    def run(self, work: Callable[..., Any], *arguments: Any, report: Report | None) -> Any:
        """``work(fabric, *arguments, report)`` on every device: on one, in this process; on several, each in its own.

        With several, ``work`` and ``arguments`` are pickled, ``report`` is told from a thread what rank 0 reports, and
        what rank 0 returns must not be tensors. Raises what ``work`` raises in any of them; the others are ended then.
        """
        from takead_training.stages.fabric import run

        return run(
            self.accelerator,
            self.count,
            "32-true" if self.precision == "32" else self.precision,
            work,
            arguments,
            report,
        )
