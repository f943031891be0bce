"""Workers whose jobs are small, for tests of places to compute."""

from __future__ import annotations

import os
import signal
import time

from takead_ros.domain.errors import TakeadError


class Squares:
    """Squares a number; counts what it did, to show that a worker is kept. -1 kills its process, -2 is refused."""

    def __init__(self) -> None:
        self.done = 0

    def run(self, job: int) -> tuple[int, int, int]:
        """(square, how many this worker did before, its process)."""
        if job == -1:
            os.kill(os.getpid(), signal.SIGKILL)
        if job == -2:
            raise TakeadError("job -2: expected a number from 0 on")
        self.done += 1
        return job * job, self.done - 1, os.getpid()

    def close(self) -> None:
        self.done = 0


class Sleeps:
    """Takes as many seconds as the job says."""

    def run(self, job: float) -> float:
        time.sleep(job)
        return job

    def close(self) -> None:
        """There is nothing to give back."""
