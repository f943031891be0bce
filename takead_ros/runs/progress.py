"""How a run tells where it is: handed in, so that nothing here knows a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """Told by whoever does the work; ``console.ProgressBars`` shows it."""

    def report(self, phase: str, done: int, total: int, figures: Mapping[str, float] = ...) -> None:
        """``done`` of ``total`` parts of ``phase`` are finished; ``figures``: numbers to show with it."""

    def say(self, text: str) -> None:
        """One line."""


class Silent:
    """Progress that is shown to nobody."""

    def report(self, phase: str, done: int, total: int, figures: Mapping[str, float] | None = None) -> None:
        pass

    def say(self, text: str) -> None:
        pass
