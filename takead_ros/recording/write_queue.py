"""The queue between the recorder and the writer thread: bounded in bytes, and never locked for a message."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple


class WriteTask(NamedTuple):
    """Something for the writer thread to do; ``size``: bytes that wait until it is done."""

    run: Callable[[], None]
    size: int = 0


class WriteQueue:
    """``put`` is for any thread, with a size for one of them only; ``drain`` and ``wait`` are for the writer thread.

    The deque and the two byte counts each have one writer, so that a message is handed over without a lock.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._tasks: deque[WriteTask] = deque()
        self._bytes_in = self._bytes_out = 0
        self._wake = threading.Condition()
        self._urgent = self._stopping = self._dead = False

    @property
    def bytes(self) -> int:
        """Bytes that wait to be written."""
        return self._bytes_in - self._bytes_out

    @property
    def empty(self) -> bool:
        return not self._tasks

    @property
    def dead(self) -> bool:
        """Whether nobody takes tasks any more."""
        return self._dead

    def put(self, task: WriteTask, urgent: bool = False) -> None:
        """Queue ``task``; ``urgent``: the thread is not to finish its nap first."""
        if task.size:  # another thread's tasks have none, so that this count has one writer
            self._bytes_in += task.size
        self._tasks.append(task)
        # The thread polls; waking it for every small message would only make the two fight for the interpreter.
        if urgent and not self._urgent:
            with self._wake:
                self._urgent = True
                self._wake.notify_all()

    def drain(self) -> None:
        """Do every task there is."""
        while self._tasks:
            task = self._tasks.popleft()
            task.run()
            self._bytes_out += task.size

    def nap(self, seconds: float) -> tuple[bool, bool]:
        """Wait until something is urgent, at most ``seconds``; returns whether it is, and whether to stop."""
        with self._wake:
            urgent = self._wake.wait_for(lambda: self._urgent, timeout=seconds)
            self._urgent = False
            return urgent, self._stopping

    def tell(self) -> None:
        """Something happened that a caller of ``wait`` may wait for."""
        with self._wake:
            self._wake.notify_all()

    def wait(self, done: Callable[[], bool]) -> None:
        """Hurry the thread and wait until ``done`` holds, or the thread is dead."""
        with self._wake:
            self._urgent = True
            self._wake.notify_all()
            self._wake.wait_for(lambda: self._dead or done())

    def stop(self) -> None:
        """Ask the thread to finish what is queued."""
        with self._wake:
            self._stopping = self._urgent = True
            self._wake.notify_all()

    def die(self) -> None:
        """Nobody takes tasks any more."""
        with self._wake:
            self._dead = True
            self._wake.notify_all()
