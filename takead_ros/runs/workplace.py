"""What a place to compute is to those who use it, and to those who are one. To add one: docs/extending.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, TypeVar

from takead_ros.domain.errors import TakeadError
from takead_ros.runs.progress import Progress

J = TypeVar("J")
R = TypeVar("R")
J_contra = TypeVar("J_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Worker(Protocol[J_contra, R_co]):
    """Does jobs one after the other, and keeps what is dear to make (a simulator, a loaded model) in between."""

    def run(self, job: J_contra, /) -> R_co: ...

    def close(self) -> None: ...


class Workers(Protocol[J, R]):
    """Several workers somewhere. Used as a context manager.

    ``map`` does ``jobs`` in any order and hands each result to ``finished``, in the caller's own thread, as it comes.
    The first error of a job ends it; after Ctrl-C the jobs in progress are finished and handed over, a second Ctrl-C
    drops them. ``name`` says which job is meant, for messages.
    """

    def map(
        self, jobs: Sequence[J], finished: Callable[[J, R], None], name: Callable[[J], str], progress: Progress
    ) -> None: ...

    def __enter__(self) -> Workers[J, R]: ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True)
class Workplace:
    """Where to compute: how many workers, of which kind (``runs.workers``), and the address of one that is elsewhere.

    Raises TakeadError for no workers.
    """

    workers: int = 1
    kind: str = "processes"
    address: str = ""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise TakeadError(f"--workers {self.workers}: expected at least 1")
