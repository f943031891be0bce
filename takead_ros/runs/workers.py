"""Many episodes over worker processes: results in the order of the specifications, whatever finished first."""

from __future__ import annotations

import concurrent.futures as futures
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any

from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec
from takead_ros.runs.journal import Ledger
from takead_ros.console import progress, stderr
from takead_ros.domain.errors import TakeadError

Keep = Callable[[EpisodeSpec, dict[str, Any]], None]

_runner: EpisodeRunner | None = None  # one per worker process: MetaDrive allows one engine in each


class Fleet:
    """Worker processes that keep their simulator and their models from one episode to the next.

    One worker means this very process. Used as a context manager; after Ctrl-C the episodes in progress are finished
    and kept, a second Ctrl-C drops them.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise TakeadError(f"--workers {workers}: expected at least 1")
        self._workers = workers
        self._pool: futures.ProcessPoolExecutor | None = None
        self._own: EpisodeRunner | None = None

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own is not None:
            self._own.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, specs: Sequence[EpisodeSpec], ledger: Ledger | None, label: str) -> list[dict[str, Any]]:
        """Results, as JSON-ready dictionaries, of ``specs`` in their order; those in ``ledger`` are not run again."""
        done = dict(ledger.results) if ledger else {}
        waiting = [spec for spec in specs if spec.key not in done]
        with progress() as bar:
            task = bar.add_task(label, total=len(specs), completed=len(specs) - len(waiting))

            def keep(spec: EpisodeSpec, result: dict[str, Any]) -> None:
                done[spec.key] = result
                if ledger:
                    ledger.add(spec.key, result)
                bar.advance(task)

            if self._workers == 1:
                self._own = self._own or EpisodeRunner()
                try:
                    for spec in waiting:
                        keep(spec, self._own.run(spec))
                except KeyboardInterrupt:
                    stderr.print(f"Ctrl-C: {len(done)} of {len(specs)} episodes are finished and kept")
                    raise
            elif waiting:
                self._spread(waiting, keep)
        return [done[spec.key] for spec in specs]

    def _spread(self, waiting: Sequence[EpisodeSpec], keep: Keep) -> None:
        pool = self._pool = self._pool or futures.ProcessPoolExecutor(
            self._workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start, initargs=(os.getpid(),)
        )
        running = {pool.submit(_episode, spec): spec for spec in waiting}
        open_: set[futures.Future[dict[str, Any]]] = set(running)
        try:
            while open_:
                finished, open_ = futures.wait(open_, return_when=futures.FIRST_COMPLETED)
                for future in finished:
                    keep(running[future], future.result())
        except BrokenProcessPool as problem:
            self._pool = None
            names = ", ".join(running[future].key for future in open_) or "unknown"
            raise TakeadError(
                f"a worker process died (killed, or out of memory?) with these episodes open: {names[:300]}; "
                "finished ones are kept, the same command continues"
            ) from problem
        except KeyboardInterrupt:
            self._finish_after_interrupt(running, open_, keep)
            raise
        except BaseException:
            for future in open_:
                future.cancel()
            raise

    def _finish_after_interrupt(
        self,
        running: dict[futures.Future[dict[str, Any]], EpisodeSpec],
        open_: set[futures.Future[dict[str, Any]]],
        keep: Keep,
    ) -> None:
        stderr.print("Ctrl-C: finishing the episodes in progress (again: drop them)")
        started = {future for future in open_ if not future.cancel()}
        try:
            for future in futures.as_completed(started):
                keep(running[future], future.result())
        except (KeyboardInterrupt, BrokenProcessPool):
            for child in multiprocessing.active_children():
                child.kill()


def _start(parent: int) -> None:
    """Worker: Ctrl-C is the parent's to handle; a parent that is gone ends the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _episode(spec: EpisodeSpec) -> dict[str, Any]:
    global _runner
    _runner = _runner or EpisodeRunner()
    return _runner.run(spec)
