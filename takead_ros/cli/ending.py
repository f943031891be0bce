"""How a command ends: what each kind of exception means to the person who typed it, and the exit code.

0: done. 1: done, and the answer is no (a clip is not whole). 2: bad input or an unusable machine, in one line. 70: a
fault of takead_ros itself, in one line with a log file. 130: Ctrl-C. 141: whoever read the output is gone.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import platform
import select
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from takead_ros import __version__
from takead_ros.console import error, log, log_file, note, output
from takead_ros.domain.errors import TakeadError

BAD_INPUT, FAULT, STOPPED, NO_READER = 2, 70, 130, 141
_EXPECTED = {  # by errno; what would have been right
    errno.ENOENT: "a file or folder that is there",
    errno.EEXIST: "a new path",
    errno.ENOTDIR: "a path that leads through folders only",
    errno.EISDIR: "a file",
    errno.ENAMETOOLONG: "a shorter name",
    errno.ELOOP: "no links that lead to each other",
    errno.ENOSPC: "space left on the disk",
    errno.EDQUOT: "space left in the quota",
    errno.EFBIG: "room for the file",
    errno.EROFS: "a place that can be written to",
    errno.EACCES: "a place that this user may use",
    errno.EPERM: "a place that this user may use",
    errno.EMFILE: "fewer open files, or a higher limit (ulimit -n)",
}

_UNLOADED = (
    "failed to map segment",
    "bad_alloc",
    "Cannot allocate memory",
)  # in an ImportError: memory is what ran out


class Ended(Exception):  # noqa: N818  # no error: it carries one
    """Carries an exception past the command line library, which would make its own of it: ``__cause__``."""


def ended(command: Callable[[], int], arguments: Sequence[str], interrupted: Callable[[], bool]) -> int:
    """The exit code of ``command``, after whatever has to be said. ``interrupted``: Ctrl-C came."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal or a file name may know fewer characters than we print
            stream.reconfigure(errors="backslashreplace")
    begun = time.monotonic()
    with output():
        try:
            code = command()
            if sys.stdout is not None:
                sys.stdout.flush()
            if _reader_is_gone(sys.stdout):
                code = NO_READER
        except BaseException as problem:  # noqa: BLE001  # the one place where everything ends
            while isinstance(problem, Ended) and problem.__cause__ is not None:
                problem = problem.__cause__
            log("".join(traceback.format_exception(problem)))
            code = _told(problem, arguments, interrupted())
        log(f"exit code {code} after {time.monotonic() - begun:.1f} s")
    for stream in (sys.stdout, sys.stderr):
        if _reader_is_gone(stream):
            _silence(stream)
    return code


def opening(arguments: Sequence[str]) -> str:
    """For the log: the command and what it runs on."""
    return (
        f"takead {shlex.join(arguments)}; takead_ros {__version__}, Python {platform.python_version()}, "
        f"{platform.platform()}, process {os.getpid()}"
    )


def _told(problem: BaseException, arguments: Sequence[str], interrupted: bool) -> int:
    if _is_memory(problem):
        error("not enough memory; expected a smaller batch, fewer workers or fewer seeds to fit")
        return BAD_INPUT
    if isinstance(problem, TakeadError):
        error(str(problem))
        return BAD_INPUT
    if interrupted or isinstance(problem, KeyboardInterrupt):
        note("stopped")
        return STOPPED
    if isinstance(problem, BrokenPipeError) and (_reader_is_gone(sys.stdout) or _reader_is_gone(sys.stderr)):
        return NO_READER
    if isinstance(problem, OSError):
        error(os_error(problem))
        _unflushable()
        return BAD_INPUT
    words = " ".join(str(problem).split())[:200]
    try:
        kept = _log_of(problem, arguments)
    except MemoryError:  # the fault's own cause, very likely
        return _told(MemoryError(), arguments, interrupted)
    error(
        f"{type(problem).__name__}: {words}; this is a fault of takead_ros {__version__}, expected none: please report "
        f"it with {kept}"
    )
    return FAULT


def _is_memory(problem: BaseException | None) -> bool:
    """Whether memory is what ran out, though a library, or we, may have called it a failed import."""
    while problem is not None:
        unloaded = isinstance(problem, ImportError) and any(words in str(problem) for words in _UNLOADED)
        if unloaded or isinstance(problem, MemoryError):
            return True
        problem = problem.__cause__
    return False


def os_error(problem: OSError) -> str:
    """An OSError in one line: which file, what happened, what was expected."""
    if problem.errno is None or problem.strerror is None:
        return str(problem) or type(problem).__name__
    names = [os.fsdecode(name) for name in (problem.filename, problem.filename2) if isinstance(name, (str, bytes))]
    where = " to ".join(f"'{name}'" for name in names) or _nameless()
    return f"{where}: {problem.strerror}; expected {_EXPECTED.get(problem.errno, 'it to be usable')}"


def _nameless() -> str:
    """What an error without a file's name is about."""
    try:
        Path.cwd()
    except OSError:
        return "the working directory"
    return "output"


def _log_of(problem: BaseException, arguments: Sequence[str]) -> str:
    """Where the traceback is to be found: the log file, or a new file."""
    there = log_file()
    if there is not None:
        return f"the log '{there}'"
    text = f"{opening(arguments)}\n\n{''.join(traceback.format_exception(problem))}"
    try:
        number, name = tempfile.mkstemp(prefix="takead-", suffix=".log")
        with open(number, "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123  # a descriptor
            file.write(text)
    except OSError as why:
        return f"its traceback (--log-file FILE keeps it; no log could be written: {why.strerror})"
    return f"the log '{Path(name)}'"


def _reader_is_gone(stream: TextIO | None) -> bool:
    """Whether ``stream`` is a pipe that nobody reads any more."""
    try:
        number = stream.fileno() if stream is not None else -1
    except (OSError, ValueError):
        return False  # no file: a test's
    if number < 0:
        return False
    watch = select.poll()
    watch.register(number, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in watch.poll(0))


def _unflushable() -> None:
    """Where stdout is what cannot be written (a full disk), keep Python from trying, and complaining, at its end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        _silence(sys.stdout)


def _silence(stream: TextIO) -> None:
    """Let what is still to be written to ``stream`` go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
