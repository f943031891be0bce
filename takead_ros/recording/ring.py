"""The ring buffer of what was received last: bounded in seconds and in bytes, whichever cuts first. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

# What one buffered message costs beside its payload: tuple, topic reference, bytes header (CPython, 64 bit).
OVERHEAD = 160


class SerializedMessage(NamedTuple):
    """A serialized message as it came: ``topic``, receive ``stamp`` (ns, host clock), CDR ``data``."""

    topic: str
    stamp: int
    data: bytes


class RingBuffer:
    """Holds the messages of the last ``seconds`` s, and never more than ``max_bytes`` bytes (payload and overhead).

    Every message has a running ``index`` from 0, so that a caller can ask for what came after the last one it saw.
    ``cut_by_bytes`` counts the messages that the byte bound removed although they were younger than ``seconds``.
    """

    def __init__(self, seconds: float, max_bytes: int) -> None:
        self.span = int(seconds * 1e9)
        self.max_bytes = max_bytes
        self.bytes = 0
        self.cut_by_bytes = 0
        self.first_index = 0
        self._messages: deque[SerializedMessage] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[SerializedMessage]:
        return iter(self._messages)

    @property
    def next_index(self) -> int:
        """The index that the next message will get."""
        return self.first_index + len(self._messages)

    def append(self, message: SerializedMessage) -> list[SerializedMessage]:
        """Takes one message; returns those that fell out, oldest first."""
        messages = self._messages
        messages.append(message)
        self.bytes += len(message.data) + OVERHEAD
        oldest = message.stamp - self.span
        dropped: list[SerializedMessage] = []
        while messages[0].stamp < oldest or (self.bytes > self.max_bytes and len(messages) > 1):
            out = messages.popleft()
            if out.stamp >= oldest:
                self.cut_by_bytes += 1
            self.bytes -= len(out.data) + OVERHEAD
            self.first_index += 1
            dropped.append(out)
        return dropped

    def after(self, index: int) -> list[SerializedMessage]:
        """The buffered messages from ``index`` on."""
        return list(islice(self._messages, max(index - self.first_index, 0), None))

    def index_since(self, stamp: int) -> int:
        """Index of the first message from which on every one has a receive stamp of ``stamp`` ns or later."""
        older = 0
        for position, message in enumerate(self._messages):
            if message.stamp < stamp:
                older = position + 1
        return self.first_index + older

    def clear(self) -> list[SerializedMessage]:
        """Forgets everything (after a clock jump); returns what was held."""
        held = list(self._messages)
        self.first_index += len(held)
        self._messages.clear()
        self.bytes = 0
        return held
