"""All faults of a moment from the very same state: a fork of the process for each."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.faults.drive import Drive, Run
from benchmarks.faults.wires import CONTROL, FAULTS
from takead_ros.simulators import Simulator

FIRST_S, LAST_SHARE = 1.5, 0.9  # the moments lie between this time and this share of the healthy drive


def forked(work: Callable[[], Any]) -> Any:
    """The result of ``work``, done by a fork of this process. Raises RuntimeError where it failed there."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(sender, "wb") as out:
                pickle.dump(work(), out)
        except BaseException:  # noqa: BLE001  (a fork must not go on as its parent)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as source:
        result = source.read()
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError("a run failed, see above")
    return pickle.loads(result)


def episode_runs(
    simulator: Simulator, policy: Any, family: str, seed: int, moments: int, part: tuple[int, int], faults: list[str]
) -> list[Run]:
    """The runs of one episode: the control and, of the faults, every n-th (of ``part``: k, n) at each of ``moments``,
    another one at the next moment; only ``faults``."""
    length = forked(lambda: _length(Drive(simulator, policy, family, seed)))
    drive, runs = Drive(simulator, policy, family, seed), []
    for number, share in enumerate((np.arange(moments) + 0.5) / moments):
        drive.run_until(round((FIRST_S + share * (LAST_SHARE * length - FIRST_S)) / 0.05) * 0.05)
        if drive.episode.done:
            raise RuntimeError(f"{family}, seed {seed}: the same drive ended earlier than before")
        mine = [fault for i, fault in enumerate(FAULTS) if (i + number + seed) % part[1] == part[0] and fault in faults]
        runs += [forked(partial(drive.branch, fault)) for fault in (CONTROL, *mine)]
    return runs


def _length(drive: Drive) -> float:
    drive.run_until(60.0)
    return drive.seconds
