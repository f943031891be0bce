"""Places to compute: many jobs, each finished result handed back as it comes. ``WORKERS`` is the list of them."""

from __future__ import annotations

import concurrent.futures as futures
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, Generic, TypeVar

from takead_ros.domain.errors import TakeadError
from takead_ros.runs.progress import Progress
from takead_ros.runs.workplace import Worker, Workers, Workplace

J = TypeVar("J")
R = TypeVar("R")


class Processes(Generic[J, R]):
    """Processes of this machine, each with a worker made by ``make`` (importable by name). One means this very process.

    They stay from one ``map`` to the next.
    """

    def __init__(self, make: Callable[[], Worker[J, R]], place: Workplace) -> None:
        self._make, self._count = make, place.workers
        self._pool: futures.ProcessPoolExecutor | None = None
        self._own: Worker[J, R] | None = None

    def __enter__(self) -> Processes[J, R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None
        if self._pool is not None:
            with _ctrl_c_held():  # an interrupted shutdown waits for ever for workers that nobody told to end
                if kind is not None and issubclass(kind, KeyboardInterrupt):  # handed over, or dropped by a second one
                    _kill_workers()
                self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def map(
        self, jobs: Sequence[J], finished: Callable[[J, R], None], name: Callable[[J], str], progress: Progress
    ) -> None:
        """As ``Workers`` says. Raises TakeadError where a process dies, with the jobs that were open."""
        if self._count == 1:
            self._own = self._own or self._make()
            for job in jobs:
                finished(job, self._own.run(job))
        elif jobs:
            self._spread(jobs, finished, name, progress)

    def _spread(
        self, jobs: Sequence[J], finished: Callable[[J, R], None], name: Callable[[J], str], progress: Progress
    ) -> None:
        pool = self._pool = self._pool or futures.ProcessPoolExecutor(
            self._count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(os.getpid(), self._make),
        )
        with _ctrl_c_held():
            running: dict[futures.Future[R], J] = {pool.submit(_run, job): job for job in jobs}
        open_ = set(running)
        try:
            while open_:
                done, open_ = futures.wait(open_, return_when=futures.FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    finished(running.pop(future), result)
        except BrokenProcessPool as problem:
            self._pool = None
            names = ", ".join(name(job) for job in running.values())
            raise TakeadError(
                f"a worker process died (killed, or out of memory?); open were: {names[:300]}; "
                "expected the workers to live (fewer of them need less memory)"
            ) from problem
        except KeyboardInterrupt:
            progress.say("Ctrl-C: finishing what is in progress (again: drop it)")
            started = {future for future in running if not future.cancel()}
            try:
                for future in futures.as_completed(started):
                    result = future.result()
                    finished(running.pop(future), result)
            except (KeyboardInterrupt, BrokenProcessPool):
                _kill_workers()
            raise
        except BaseException:
            for future in running:
                future.cancel()
            raise


@contextlib.contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """SIGINT waits until the end of the block, and never reaches a process that is started in it.

    A worker's own initializer is too late for that: Ctrl-C would end it with a traceback while it still imports.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _kill_workers() -> None:
    for child in multiprocessing.active_children():
        child.kill()


def _ray(make: Callable[[], Worker[J, R]], place: Workplace) -> Workers[J, R]:
    """Ray is an extra, and is only imported where it is asked for."""
    from takead_ros.runs.ray_workers import RayWorkers

    return RayWorkers(make, place)


WORKERS: dict[str, Callable[[Callable[[], Worker[Any, Any]], Workplace], Workers[Any, Any]]] = {
    "processes": Processes,
    "ray": _ray,
}


def open_workers(make: Callable[[], Worker[J, R]], place: Workplace) -> Workers[J, R]:
    """Workers at ``place``, each made by ``make``. Raises TakeadError for a kind of place that there is not."""
    demand_kind(place.kind)
    return WORKERS[place.kind](make, place)


def demand_kind(kind: str) -> None:
    """Raises TakeadError for a kind of place that there is not."""
    if kind not in WORKERS:
        raise TakeadError(f"--workers-kind '{kind}': unknown, expected one of {', '.join(WORKERS)}")


# in a worker process ----------------------------------------------------------------------------------------------

_worker: Worker[Any, Any] | None = None  # the pool gives no other place to keep it


def _start(parent: int, make: Callable[[], Worker[Any, Any]]) -> None:
    """Ctrl-C is the parent's to handle; a parent that is gone ends the worker."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("takead").setLevel(logging.WARNING)  # else MetaDrive's handler prints what the nodes note

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    _worker = make()


def _run(job: Any) -> Any:
    assert _worker is not None
    return _worker.run(job)
