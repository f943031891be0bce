"""What the commands print: results on stdout; notes, progress and errors on stderr; all of it in a log, if asked for.

Text that comes from a file, a path or a message is printed as text: through ``say``, ``note``, ``warn``, ``error`` and
``cell``, which know no markup and no emoji codes, and write control characters out.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.progress import TimeRemainingColumn as Eta
from rich.text import Text

from takead_ros.domain.errors import TakeadError
from takead_ros.text_table import TableColumn, TextTable, wrapped


class _Console(Console):
    """Leaves it to the command line to say what a closed pipe means."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


stdout = _Console(soft_wrap=False)
stderr = _Console(stderr=True)  # notes and progress; silent with --quiet
_errors = _Console(stderr=True)
WITH_BAR = 80  # columns from which there is room to draw how far a phase has come; else it is told in figures
LINE_EVERY_S = 60.0  # between two lines of a phase where there is no terminal
_LOG = logging.getLogger("takead_ros.cli")
_SCREEN = logging.getLogger("takead_ros.screen")  # what is printed anyway
_LOGGERS = (logging.getLogger("takead_ros"), logging.getLogger("takead"))  # of the package, and of its nodes


def printable(text: str) -> str:
    """``text`` with every control or other unprintable character written out, such as ``\\x1b``: what a file says about
    itself cannot steer a terminal or begin another line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def cell(text: object, style: str = "") -> Text:
    """``text`` for a table, as it is: no markup, no emoji codes, no control characters."""
    return Text(printable(str(text)), style)


def say(line: str = "", style: str = "") -> None:
    """One line of a result on stdout, as it is: no markup, no emoji codes, no control characters."""
    _put(stdout, cell(line, style))


def note(line: str) -> None:
    """One line on stderr about what was done; left out with --quiet."""
    _SCREEN.debug("%s", line)
    _put(stderr, cell(line))


def warn(message: str) -> None:
    """One line on stderr about something that was left out or is doubtful."""
    _SCREEN.debug("warning: %s", message)
    _put(stderr, Text.assemble(("warning:", "bold yellow"), " ", printable(message)))


def error(message: str) -> None:
    """One clear line on stderr, also with --quiet."""
    _SCREEN.debug("error: %s", message)
    _put(_errors, Text.assemble(("error:", "bold red"), " ", printable(message)))


def fields(values: Mapping[str, object], width: int = 14) -> None:
    """A line on stdout for each name and value; nothing is cut, so that a hash can be copied."""
    for name, value in values.items():
        text, room = cell(value), stdout.width - width - 2
        if on_terminal() and any(len(word) > room for word in text.plain.split()):
            _put(stdout, Text(name, "bold"))
            _put(stdout, Text.assemble("  ", text), 2)
        else:
            _put(stdout, Text.assemble((f"{name:<{width}}", "bold"), "  ", text), width + 2)


def table(*columns: str, rows: Iterable[Iterable[str | Text]], wrap: str = "", title: str = "") -> TextTable:
    """A table of which only the column ``wrap`` (default: the last) may be broken into lines, at its spaces."""
    made = TextTable(
        [TableColumn(column, wrap=column == (wrap or columns[-1])) for column in columns],
        cell(title) if title else None,
    )
    made.rows.extend(tuple(cell(entry) if isinstance(entry, str) else entry for entry in row) for row in rows)
    return made


def show_table(content: TextTable) -> None:
    """A table on stdout: as wide as the terminal, else 80 columns."""
    print_lines(content.lines(stdout.width, "-" if stdout.options.ascii_only else "─"))


def print_lines(lines: Iterable[Text]) -> None:
    """Lines that are laid out already, on stdout."""
    for line in lines:
        stdout.print(line, soft_wrap=True, highlight=False)


def _put(console: Console, text: Text, indent: int = 2) -> None:
    """One line, broken at its spaces where it is for a person to read; else whole, so that a program can."""
    for line in wrapped(text, console.width, indent) if on_terminal(console) else [text]:
        console.print(line, soft_wrap=True, highlight=False)


def on_terminal(console: Console = stdout) -> bool:
    """Whether a person reads it, so that lines are to end at the console's width; or COLUMNS says how wide that is."""
    return console.is_terminal or os.environ.get("COLUMNS", "").isdigit()


class _Shown(logging.Handler):
    """Log records as notes on stderr, where they do not run into a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != _SCREEN.name:
            _put(stderr, cell(f"{record.levelname.lower()}: {record.getMessage()}"))


class _LogFile(logging.FileHandler):
    """Ends with a warning where it can no longer be written to: the work itself goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        for logger in _LOGGERS:
            logger.removeHandler(self)
        with suppress(OSError, ValueError):
            self.close()
        warn(f"--log-file '{self.baseFilename}' ends here: {sys.exc_info()[1]}")


@contextmanager
def output() -> Iterator[None]:
    """The output of one command: what ``be_quiet``, ``be_verbose`` and ``log_to`` change ends with the block."""
    shown = _Shown(logging.WARNING)
    for logger in _LOGGERS:
        logger.addHandler(shown)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False  # the simulator gives the root logger a handler of its own
    try:
        yield
    finally:
        stderr.quiet = False
        for logger in _LOGGERS:
            for handler in logger.handlers[:]:
                logger.removeHandler(handler)
                with suppress(OSError):
                    handler.close()
            logger.setLevel(logging.NOTSET)
            logger.propagate = True


def be_quiet() -> None:
    """From here on only results and errors."""
    stderr.quiet = True


def be_verbose() -> None:
    """From here on also what the parts of the package log."""
    for logger in _LOGGERS:
        for handler in logger.handlers:
            handler.setLevel(logging.DEBUG)


def log_to(path: Path) -> None:
    """From here on everything is also appended to ``path``, with the time. Raises TakeadError where it cannot be."""
    try:
        handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    except OSError as problem:
        raise TakeadError(f"--log-file '{path}': {problem.strerror}; expected a file that can be written") from problem
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for logger in _LOGGERS:
        logger.addHandler(handler)


def log_file() -> Path | None:
    """Where ``log_to`` sends everything, if anywhere."""
    found = (handler for handler in _LOGGERS[0].handlers if isinstance(handler, logging.FileHandler))
    return next((Path(handler.baseFilename) for handler in found), None)


def log(text: str) -> None:
    """A line, or a traceback, for the log and for --verbose."""
    _LOG.debug("%s", text)


class ProgressBars:
    """Shows on ``console`` where the phases of some work are; used as a context manager.

    On a terminal: a bar with count, time and ETA for each phase. Elsewhere (a log, nohup, CI): a line when a phase
    begins and ends, and one a minute in between. ``clock``: s, steady.
    """

    def __init__(self, console: Console = stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        what, count, left = (
            TextColumn("{task.description}", markup=False),
            MofNCompleteColumn(),
            (TextColumn("ETA"), Eta()),
        )
        drawn = (SpinnerColumn(), what, BarColumn(bar_width=16), count, TimeElapsedColumn(), *left)
        columns = drawn if console.width >= WITH_BAR else (what, count, *left)
        self._bars = Bars(*columns, console=console) if console.is_terminal else None
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[float, int]] = {}  # s, and what was done then
        self._shown: dict[str, float] = {}  # s of the last line

    def __enter__(self) -> ProgressBars:
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
        text = printable(phase) + "".join(f"  {name} {value:.3f}" for name, value in (figures or {}).items())
        self._line(phase, text, done, total)
        if self._bars is None:
            return
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(text, total=total, completed=done)
        self._bars.update(self._tasks[phase], completed=done, total=total, description=text)

    def say(self, text: str) -> None:
        """One line, above the bars."""
        _SCREEN.debug("%s", text)
        _put(self._console, cell(text))

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
        line = f"{text}: {done}/{total}{since}{left}"
        _SCREEN.debug("%s", line)
        if self._bars is None:
            _put(self._console, cell(f"  {line}"), 4)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100.0 else f"{seconds / 60.0:.0f} min"
