"""Ctrl-C, from the first import on. Imports next to nothing: until this is loaded, nobody hears it."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # typing's own would have to be imported
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, NoReturn


def stop(*_: object) -> NoReturn:
    """End the process at once, as Ctrl-C does; also as a signal's handler."""
    os.write(2, b"stopped\n")
    os._exit(130)


def hear() -> None:
    """From now on Ctrl-C ends the process at once, unless it is ignored. Only for a process that is all ours."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)


class Interrupt:
    """Ctrl-C while this context is entered: it ends the process at once until ``raises`` is called, and whenever a
    module is being imported or a kernel compiled (libraries swallow exceptions there); else it is a KeyboardInterrupt.
    ``seen``: it came.

    Where it is ignored already (nohup, a shell's background job), it stays ignored.
    """

    def __init__(self) -> None:
        self.seen = False
        self._raise = False
        self._before: Any = None

    def __enter__(self) -> Interrupt:
        if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, stop):
            self._before = signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def raises(self) -> None:
        """What follows may be interrupted and say something about it."""
        self._raise = True

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        if self._raise and not _swallows(frame):
            raise KeyboardInterrupt
        stop()


def _swallows(frame: FrameType | None) -> bool:
    """Whether ``frame`` runs inside an import statement, or inside the compiler's callback."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib._bootstrap") or "/llvmlite/" in name:
            return True
        frame = frame.f_back
    return False
