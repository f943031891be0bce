"""Workers on a Ray cluster (extra ``ray``): an actor for each worker, anywhere on it.

Every node needs this version of the package and the same files under the same paths (a shared file system): jobs name
models and folders by path. A job is handed to one actor at a time, so that what is in progress is known exactly. Where
a node is lost, its jobs are done again on the others.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from takead_ros import __version__
from takead_ros.domain.errors import TakeadError
from takead_ros.runs.progress import Progress
from takead_ros.runs.ray_cluster import answers, connect, first_line
from takead_ros.runs.workplace import Worker, Workplace

J = TypeVar("J")
R = TypeVar("R")
TRIES = 3  # how many times a job's worker may die, or a worker fail to begin
GONE_S = 10.0  # after which a cluster that does not answer is gone
DOUBT_S = 60.0  # after which a worker that does not answer is given up
_LOOK_S, _WORD_S = 2.0, 60.0  # between two looks at the cluster, and between two lines about waiting for it


@dataclass(frozen=True)
class _RayActor:
    """A worker that has begun: its actor, and the node that it is on."""

    actor: Any
    node: str
    host: str


@dataclass(frozen=True)
class _Begun:
    """A job in progress, by its place among the jobs. doubted: since when (s) its worker is only asked whether it is
    still there, because it did not answer; 0: it is not."""

    seat: _RayActor
    at: int
    doubted: float = 0.0


class _Run(Generic[J]):
    """One ``map``: the jobs that wait, those in progress (by Ray's reference to their result), the losses of each."""

    def __init__(self, jobs: Sequence[J], name: Callable[[J], str]) -> None:
        self.jobs, self._name = jobs, name
        self.waiting, self.begun, self._lost = deque(range(len(jobs))), dict[Any, _Begun](), Counter[int]()
        self._stopping = False

    def stop(self) -> None:
        """From now on no job begins."""
        self._stopping = True
        self.waiting.clear()

    def open_jobs(self) -> str:
        places = [*(one.at for one in self.begun.values()), *self.waiting]
        return ", ".join(self._name(self.jobs[at]) for at in places)[:300]

    def again(self, one: _Begun, why: str, progress: Progress) -> None:
        """A job that was lost waits again, before all others."""
        name = self._name(self.jobs[one.at])
        if self._stopping:
            progress.say(f"{why}; dropped: {name}")
            return
        self._lost[one.at] += 1
        self.waiting.appendleft(one.at)
        if self._lost[one.at] >= TRIES:
            raise TakeadError(
                f"{why}, as {TRIES - 1} times before while it did {name}; open were: {self.open_jobs()}; "
                "expected it to live (fewer workers on a node need less memory)"
            )
        progress.say(f"{why}; done again elsewhere: {name}")


class RayWorkers(Generic[J, R]):
    """``place.workers`` actors of one CPU each on the Ray cluster at ``place.address``, whose workers ``make`` makes.

    Fewer are used while the cluster has no more free CPUs. They stay from one ``map`` to the next. This machine must be
    a node of the cluster (``ray start --address=HOST:PORT``).
    """

    def __init__(self, make: Callable[[], Worker[J, R]], place: Workplace) -> None:
        self._make, self._count, self._address = make, place.workers, place.address
        if not self._address:
            raise TakeadError("--workers-kind ray: which cluster? expected --ray HOST:PORT, or RAY_ADDRESS=HOST:PORT")
        host, colon, port = self._address.rpartition(":")
        if not (colon and host and port.isdecimal() and 0 < int(port) < 65536) or "/" in host:
            raise TakeadError(
                f"--ray '{self._address}': expected HOST:PORT of a cluster's head node, as 'ray start --head' prints it"
            )
        self._ray: Any = None
        self._free: list[_RayActor] = []
        self._starting: dict[Any, Any] = {}  # what tells that an actor has begun -> the actor
        self._failed = 0  # actors that never began
        self._last_seen_at = self._last_look_at = self._last_word_at = time.monotonic()

    def __enter__(self) -> RayWorkers[J, R]:
        if _OPEN and _OPEN[0]._address != self._address:
            raise TakeadError(f"--ray {self._address}: this process is on {_OPEN[0]._address}; expected one cluster")
        self._ray = _OPEN[0]._ray if _OPEN else connect(self._address)
        self._actor = self._ray.remote(num_cpus=1, max_restarts=0, scheduling_strategy="SPREAD")(_KeptWorker)
        self._last_seen_at = self._last_word_at = time.monotonic()
        _OPEN.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """After Ctrl-C or with the cluster gone nothing is waited for; else what is in progress is finished."""
        self._let_go(wait=not (kind is not None and issubclass(kind, KeyboardInterrupt)))
        _OPEN.remove(self)
        if not _OPEN:
            self._ray.shutdown()

    def _let_go(self, wait: bool) -> None:
        """Give the actors and their CPUs back."""
        with contextlib.suppress(Exception):  # one that is lost by now; Ray has no common error for that
            closing = [seat.actor.close.remote() for seat in self._free] if wait and answers(self._address) else []
            while closing and answers(self._address):
                closing = self._ray.wait(closing, num_returns=len(closing), timeout=_LOOK_S)[1]
        for actor in (*(seat.actor for seat in self._free), *self._starting.values()):
            with contextlib.suppress(Exception):
                self._ray.kill(actor)
        self._free.clear()
        self._starting.clear()

    def map(
        self, jobs: Sequence[J], finished: Callable[[J, R], None], name: Callable[[J], str], progress: Progress
    ) -> None:
        """As ``Workers`` says; a job whose worker or node dies is done again.

        Raises TakeadError for a job that ``TRIES`` workers died of, where every node is lost, and where the cluster is
        gone; each with the jobs that were open.
        """
        for other in _OPEN:
            if other is not self:
                other._let_go(wait=True)  # its actors are idle now, and would keep their CPUs from these
        run = _Run(jobs, name)
        try:
            self._go_on(run, finished, progress)
        except KeyboardInterrupt:
            progress.say("Ctrl-C: finishing what is in progress (again: drop it)")
            run.stop()
            with contextlib.suppress(KeyboardInterrupt, TakeadError):
                self._go_on(run, finished, progress)
            raise
        finally:
            self._free.extend(one.seat for one in run.begun.values())  # busy for now: their next job waits its turn

    def _go_on(self, run: _Run[J], finished: Callable[[J, R], None], progress: Progress) -> None:
        """Until nothing is waiting or in progress."""
        while run.begun or run.waiting:
            self._look(run)
            if run.waiting:
                self._begin(run, progress)
            while self._free and run.waiting:
                seat, at = self._free.pop(), run.waiting.popleft()
                run.begun[seat.actor.run.remote(run.jobs[at])] = _Begun(seat, at)
            ready, _ = self._ray.wait([*run.begun, *self._starting], num_returns=1, timeout=1.0)
            for ref in ready:
                if ref in self._starting:
                    self._started(ref)
                elif (result := self._take(ref, run, progress)) is not None:
                    finished(*result)

    def _take(self, ref: Any, run: _Run[J], progress: Progress) -> tuple[J, R] | None:
        """A job and its result; None where its worker is lost, or may be. What the job raised is raised as it was."""
        one = run.begun.pop(ref)
        node = f"{one.seat.host} ({one.seat.node[:8]})"
        try:
            result = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as problem:
            self._free.append(one.seat)
            raise (problem.cause if isinstance(problem.cause, Exception) else problem) from problem
        except self._ray.exceptions.ActorUnavailableError:  # for now; or the news of its death is still to come
            if one.doubted == 0.0 or time.monotonic() - one.doubted < DOUBT_S:
                time.sleep(0.5)
                doubted = one.doubted or time.monotonic()
                run.begun[one.seat.actor.ping.remote()] = _Begun(one.seat, one.at, doubted)
                return None
            self._ray.kill(one.seat.actor)  # so that no two do the same job
            run.again(one, f"Ray node {node} does not answer", progress)
        except self._ray.exceptions.RayError as problem:
            lives = any(known["NodeID"] == one.seat.node and known["Alive"] for known in self._ray.nodes())
            lost = f"a worker on Ray node {node} died ({first_line(problem)})" if lives else f"Ray node {node} is lost"
            run.again(one, lost, progress)
        else:
            self._free.append(one.seat)
            if one.doubted == 0.0:
                return run.jobs[one.at], result
            run.again(one, f"Ray node {node} did not answer for a while", progress)  # what it made is not to be had
        return None

    def _begin(self, run: _Run[J], progress: Progress) -> None:
        """Ask for as many actors as are useful; TakeadError where there is no node to have them on."""
        busy, needed = len(run.begun), len(run.begun) + len(run.waiting)
        while len(self._starting) + len(self._free) + busy < min(self._count, needed):
            actor = self._actor.remote()
            self._starting[actor.start.remote(self._make, str(Path.cwd()), __version__)] = actor
        if self._free or busy:
            return
        if not any(node["Alive"] and node["Resources"].get("CPU", 0.0) >= 1.0 for node in self._ray.nodes()):
            raise TakeadError(
                f"--ray {self._address}: no node with a CPU is left; open were: {run.open_jobs()}; expected one to live"
            )
        if time.monotonic() - self._last_word_at > _WORD_S:
            self._last_word_at = time.monotonic()
            progress.say(f"waiting for a free CPU of the Ray cluster {self._address}")

    def _started(self, ref: Any) -> None:
        """An actor has begun, or could not."""
        actor = self._starting.pop(ref)
        try:
            self._free.append(_RayActor(actor, *self._ray.get(ref)))
        except self._ray.exceptions.RayTaskError as problem:
            raise (problem.cause if isinstance(problem.cause, Exception) else problem) from problem
        except self._ray.exceptions.RayError as problem:  # lost before it began: another is asked for
            self._failed += 1
            if self._failed >= TRIES:
                raise TakeadError(
                    f"--ray {self._address}: {TRIES} workers could not begin ({first_line(problem)}); "
                    f"expected takead_ros {__version__} on every node"
                ) from problem

    def _look(self, run: _Run[J]) -> None:
        """TakeadError where the cluster has not answered for a while: Ray itself would wait, and in the end abort."""
        now = time.monotonic()
        if now - self._last_look_at < _LOOK_S:
            return
        self._last_look_at = now
        if answers(self._address):
            self._last_seen_at = time.monotonic()
        elif now - self._last_seen_at > GONE_S:
            raise TakeadError(
                f"--ray {self._address}: the Ray cluster is gone; open were: {run.open_jobs()}; expected it to live"
            )


class _KeptWorker:
    """What is an actor on the cluster: a worker that is kept."""

    def start(self, make: Callable[[], Worker[Any, Any]], folder: str, version: str) -> tuple[str, str]:
        """Make the worker in ``folder``, from which relative paths are meant; says on which node: id, address."""
        import ray

        logging.getLogger("takead").setLevel(logging.WARNING)
        host = ray.util.get_node_ip_address()
        if version != __version__:
            raise TakeadError(f"Ray node {host}: has takead_ros {__version__}, expected {version} as here")
        try:
            os.chdir(folder)
        except OSError as problem:
            raise TakeadError(
                f"Ray node {host}: folder '{folder}': {problem.strerror}; expected the same files there as here (a "
                "shared file system)"
            ) from problem
        self._worker = make()
        return ray.get_runtime_context().get_node_id(), host

    def run(self, job: Any) -> Any:
        return self._worker.run(job)

    def ping(self) -> None:
        """Answers when whatever was asked before is finished."""

    def close(self) -> None:
        self._worker.close()


_OPEN: list[RayWorkers[Any, Any]] = []  # those of this process, which share one connection
