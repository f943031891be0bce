"""What the commands print: errors, tables, and where their work is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.progress import TimeRemainingColumn as Eta

stdout = Console(soft_wrap=False)
stderr = Console(stderr=True)
LINE_EVERY_S = 60.0  # between two lines of a phase where there is no terminal


def error(message: str) -> None:
    """One clear line on stderr."""
    stderr.print("[bold red]error:[/bold red] " + escape(message), soft_wrap=True, highlight=False, emoji=False)


class Progress:
    """Shows on ``console`` where the phases of some work are; used as a context manager.

    On a terminal: a bar with count, time and ETA for each phase. Elsewhere (a log, nohup, CI): a line when a phase
    begins and ends, and one a minute in between. ``clock``: s, steady.
    """

    def __init__(self, console: Console = stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._bars = (
            Bars(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=16), MofNCompleteColumn(),
                TimeElapsedColumn(), TextColumn("ETA"), Eta(), console=console,
            )
            if console.is_terminal
            else None
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[float, int]] = {}  # s, and what was done then
        self._shown: dict[str, float] = {}  # s of the last line

    def __enter__(self) -> Progress:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def report(self, phase: str, done: int, total: int, figures: Mapping[str, float] | None = None) -> None:
        """``done`` of ``total`` parts of ``phase`` are finished; ``figures`` are shown with it."""
        text = escape(phase) + "".join(f"  {name} {value:.3f}" for name, value in (figures or {}).items())
        if self._bars is None:
            self._line(phase, text, done, total)
            return
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(text, total=total, completed=done)
        self._bars.update(self._tasks[phase], completed=done, total=total, description=text)

    def say(self, text: str) -> None:
        """One line, above the bars."""
        self._console.print(escape(text), soft_wrap=True, highlight=False, emoji=False)

    def _line(self, phase: str, text: str, done: int, total: int) -> None:
        now = self._clock()
        begun, before = self._begun.setdefault(phase, (now, done))
        if phase in self._shown and done < total and now - self._shown[phase] < LINE_EVERY_S:
            return
        first = phase not in self._shown
        self._shown[phase] = now
        spent, rest = now - begun, total - done
        left = f", about {_time(spent / (done - before) * rest)} to go" if done > before and rest else ""
        since = "" if first else f" after {_time(spent)}"
        self._console.print(f"  {text}: {done}/{total}{since}{left}", soft_wrap=True, highlight=False, emoji=False)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100.0 else f"{seconds / 60.0:.0f} min"
