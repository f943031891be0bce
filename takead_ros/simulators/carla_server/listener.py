"""One connection of those who listen to a stream of the server: sensors and snapshots.

A listener can only harm itself: it is cut off when it lets more wait than memory is for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from takead_ros.simulators.carla_server.connection_parts import MOST_CONNECTIONS, send_at_once

MOST_WAITING = 64 * 1024 * 1024  # bytes that a listener may be behind in synchronous mode


class Streams(Protocol):
    """Who sends them: the server."""

    say: Callable[[str], None]

    def listen(self, listener: Listener, stream: int) -> bool: ...
    def leave(self, listener: Listener, stream: int) -> None: ...
    def connections(self) -> int: ...


class Listener(asyncio.Protocol):
    """One who listens to a stream: it sends the stream's number once, and is sent messages from then on."""

    def __init__(self, server: Streams) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._request = b""
        self._stream = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._server.connections() >= MOST_CONNECTIONS:
            transport.abort()
            return
        send_at_once(transport)

    def data_received(self, data: bytes) -> None:
        if self._stream or self._transport is None:
            return  # a listener has nothing more to say
        self._request += data
        if len(self._request) < 4:
            return
        stream = int.from_bytes(self._request[:4], "little")
        self._request = b""
        if self._server.listen(self, stream):
            self._stream = stream
        else:
            self._transport.abort()

    def connection_lost(self, problem: Exception | None) -> None:
        self._server.leave(self, self._stream)
        self._transport = None

    def end(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    def send(self, message: bytes, all_of_it: bool) -> None:
        """One message. Where not ``all_of_it`` is to arrive, it is dropped while the one before is still being sent."""
        if self._transport is None or self._transport.is_closing():
            return
        waiting = self._transport.get_write_buffer_size()
        if waiting and not all_of_it:
            return
        if waiting > MOST_WAITING:
            self._server.say("a listener that does not read is cut off")
            self._transport.abort()
            return
        self._transport.write(len(message).to_bytes(4, "little") + message)
