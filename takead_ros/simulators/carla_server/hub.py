"""What the server's connections share, and who is told what happens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from takead_ros.simulators.carla_server.methods import Ready
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import EpisodeSettings

if TYPE_CHECKING:
    from takead_ros.simulators.carla_server.connections import ClientConnection
    from takead_ros.simulators.carla_server.listener import Listener

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


class Hub(Protocol):
    """What connections share: the server."""

    world: ServerWorld
    say: Callable[[str], None]
    calls: Mapping[str, Ready]
    managers: dict[int, tuple[str, int]]
    counts: Counts
    recorder: WorldObserver | None
    clients: set[ClientConnection]

    def tick(self) -> None: ...
    def wait_s(self) -> float: ...
    def load(self, name: str, reset_settings: bool) -> None: ...
    def keep_map(self, opendrive: str) -> None: ...
    def maps(self) -> list[str]: ...
    def set_settings(self, settings: EpisodeSettings) -> int: ...
    def missing(self, client: str, name: str) -> None: ...
    def broken(self, name: str, problem: Exception) -> str: ...
    def listen(self, listener: Listener, stream: int) -> bool: ...
    def leave(self, listener: Listener, stream: int) -> None: ...
    def connections(self) -> int: ...


def send_at_once(transport: asyncio.Transport) -> None:
    """No waiting for more to send."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
