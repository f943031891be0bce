"""What all connections of the server need, and who is told what happens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import Protocol

from takead_ros.simulators.carla_server.server_world import ServerWorld

MOST_CONNECTIONS = 512


class WorldObserver(Protocol):
    """Told what happens."""

    def frame(self, world: ServerWorld) -> None:
        """After each frame."""

    def call(self, client: str, name: str, problem: str) -> None:
        """After each call; ``problem`` is empty where it went well."""


@dataclass
class Counts:
    """What happened so far, for who asks."""

    clients: int = 0
    calls: int = 0
    frames: int = 0
    broken: int = 0  # mistakes of the server's own
    spent_s: float = 0.0  # of the processor, in calls and frames: the server's own share


def send_at_once(transport: asyncio.Transport) -> None:
    """No waiting for more to send."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
