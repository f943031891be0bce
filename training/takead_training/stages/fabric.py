"""Lightning Fabric, set up for this package: imported where a training begins, because that takes seconds."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from typing import Any

from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch.multiprocessing.spawn import ProcessException

from takead_ros.domain.errors import TakeadError

Report = Callable[..., None]


class _QuietRanks(DDPStrategy):  # type: ignore[misc]  # its types are not looked at
    """Each rank a process that is spawned, which does not say that it begins."""

    def setup_environment(self) -> None:
        _quiet()
        super().setup_environment()


def run(
    accelerator: str,
    count: int,
    precision: str,
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
    report: Report | None,
) -> Any:
    """As ``Devices.run`` says."""
    _quiet()
    if count == 1:
        fabric = Fabric(accelerator=accelerator, devices=1, precision=precision)
        return fabric.launch(work, *arguments, report)
    ranks = _QuietRanks(cluster_environment=LightningEnvironment(), start_method="spawn")
    return _spread(
        Fabric(accelerator=accelerator, strategy=ranks, devices=count, precision=precision), work, arguments, report
    )


def _quiet() -> None:
    for name in ("lightning.fabric", "lightning_fabric", "torch.multiprocessing.spawn"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _spread(fabric: Any, work: Callable[..., Any], arguments: tuple[Any, ...], report: Report | None) -> Any:
    reports = multiprocessing.get_context("spawn").SimpleQueue()
    problems: list[BaseException] = []

    def listen() -> None:
        while (heard := reports.get()) is not None:
            if isinstance(heard, BaseException):
                problems.append(heard)
            elif report:
                report(*heard)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    before = set(multiprocessing.active_children())
    try:
        return fabric.launch(_rank, pickle.dumps((work, arguments)), reports)  # else it looks into all of it
    except ProcessException as problem:
        failed = problem
    finally:
        for child in set(multiprocessing.active_children()) - before:  # after Ctrl-C, or when one of them failed
            child.kill()
            child.join()
        reports.put(None)
        listener.join()
    raise problems[0] if problems else failed


def _rank(fabric: Any, stored: bytes, reports: Any) -> Any:
    """In a process of its own."""
    try:
        work, arguments = pickle.loads(stored)
        return work(fabric, *arguments, lambda *report: reports.put(report) if fabric.is_global_zero else None)
    except TakeadError as problem:
        reports.put(problem)
        raise
