"""The server: one world, calls on one port, streams on the next, for several clients, in one thread of asyncio."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server import (
    methods_actors,
    methods_recorder,
    methods_refused,
    methods_vehicles,
    methods_world,
)
from takead_ros.simulators.carla_server.connection_parts import Counts, WorldObserver
from takead_ros.simulators.carla_server.connections import ClientConnection
from takead_ros.simulators.carla_server.listener import Listener
from takead_ros.simulators.carla_server.methods import Ready, ready
from takead_ros.simulators.carla_server.methods_world import WORLD_STREAM
from takead_ros.simulators.carla_server.recordings import Recordings
from takead_ros.simulators.carla_server.sensors import Sensors
from takead_ros.simulators.carla_server.server_world import LONGEST_STEP_S, ServerWorld
from takead_ros.simulators.carla_server.town_map import TownMap, read_town_map
from takead_ros.simulators.carla_server.values import CallRefused, EpisodeSettings

OWN_MAP = "OpenDriveMap"
GRACE_STEP_S = 0.02
METHODS = {
    name: method
    for module in (methods_world, methods_actors, methods_vehicles, methods_recorder)
    for name, method in module.table.methods.items()
}
ALSO = frozenset({"tick_cue"})  # answered by the server itself


class Towns(Protocol):
    """Where maps come from."""

    def names(self) -> list[str]:
        """What ``load`` knows."""

    def load(self, name: str) -> TownMap:
        """Raises TakeadError for a name that it does not know, or a map that cannot be had."""


class Server:
    """One world for all who connect. ``recordings``: the folder of what clients record, None: they may not.
    ``realtime``: ticks of synchronous mode are not made faster than the clock; asynchronous mode never is."""

    def __init__(
        self,
        world: ServerWorld,
        towns: Towns,
        say: Callable[[str], None],
        realtime: bool,
        recorder: WorldObserver | None = None,
        recordings: Path | None = None,
    ) -> None:
        self.world, self.towns, self.say, self.realtime, self.recorder = world, towns, say, realtime, recorder
        self.calls: Mapping[str, Ready] = ready(world.layout, {**METHODS, **methods_refused.table.methods})
        self.sensors = Sensors(world)
        self.recordings = Recordings(recordings, say)
        self.managers: dict[int, tuple[str, int]] = {}
        self.counts = Counts()
        self.kept_map = ""
        self.clients: set[ClientConnection] = set()
        self._listeners: dict[int, set[Listener]] = {}
        self._missed: set[str] = set()
        self._due = 0.0
        self._wake = asyncio.Event()
        self._servers: list[asyncio.Server] = []

    # --- life -----------------------------------------------------------------------------------------------------

    async def open(self, host: str, port: int, stream_port: int) -> None:
        """Listen. Raises TakeadError where a port is taken."""
        loop = asyncio.get_running_loop()
        try:
            self._servers = [
                await loop.create_server(lambda: ClientConnection(self), host, port),
                await loop.create_server(lambda: Listener(self), host, stream_port),
            ]
        except OSError as error:
            await self.close()
            raise TakeadError(
                f"--host {host} --port {port}: {error.strerror or error}, expected two free ports"
            ) from error

    async def run(self, stop: asyncio.Event, grace_s: float = 0.0) -> None:
        """Serve until ``stop``, and then for at most ``grace_s`` those who are still connected: they may have actors to
        destroy, and wait out their whole time limit for a server that is gone. In asynchronous mode the world goes on
        by itself."""
        ending = asyncio.ensure_future(self._ended(stop, grace_s))
        try:
            while not ending.done():
                if self.world.settings.synchronous_mode:
                    self._wake.clear()
                    waking = asyncio.ensure_future(self._wake.wait())
                    await asyncio.wait({waking, ending}, return_when=asyncio.FIRST_COMPLETED)
                    waking.cancel()
                    continue
                await asyncio.wait({ending}, timeout=max(self._due - time.monotonic(), 0.0))
                if not self.world.settings.synchronous_mode and not ending.done():
                    began = time.thread_time()
                    self.tick()
                    self.counts.spent_s += time.thread_time() - began
        finally:
            ending.cancel()
            await self.close()

    async def _ended(self, stop: asyncio.Event, grace_s: float) -> None:
        await stop.wait()
        until = time.monotonic() + grace_s
        while self.clients and time.monotonic() < until:
            await asyncio.sleep(GRACE_STEP_S)

    async def close(self) -> None:
        """End all connections, and what is recorded."""
        self.recordings.stop()
        for server in self._servers:
            server.close()
        for client in tuple(self.clients):
            client.end()
        for listener in [each for group in self._listeners.values() for each in group]:
            listener.end()
        await asyncio.sleep(0)

    # --- time -----------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """One frame, told to all who listen."""
        self.world.step()
        now = time.monotonic()
        self._due = max(self._due + self.world.delta, now - self.world.delta)
        synchronous = self.world.settings.synchronous_mode
        listeners = self._listeners.get(WORLD_STREAM)
        message = self.world.snapshot(now) if listeners else b""
        for listener in tuple(listeners or ()):
            listener.send(message, synchronous)
        for stream in [stream for stream in self._listeners if stream != WORLD_STREAM]:
            for told in self.sensors.messages(stream):
                for listener in tuple(self._listeners.get(stream, ())):
                    listener.send(told, synchronous)
        self.recordings.frame(self.world)
        if self.recorder is not None:
            self.recorder.frame(self.world)
        self.counts.frames += 1

    def wait_s(self) -> float:
        """s until the next tick of synchronous mode may be made."""
        return self._due - time.monotonic() if self.realtime else 0.0

    # --- what calls need ------------------------------------------------------------------------------------------

    def load(self, name: str, reset_settings: bool) -> None:
        """Another map. Raises Refused."""
        try:
            if name.rsplit("/", 1)[-1] == OWN_MAP and self.kept_map:
                town = read_town_map(OWN_MAP, self.kept_map)
            else:
                town = self.towns.load(name)
        except TakeadError as error:
            raise CallRefused(str(error)) from error
        self.world.load(town, reset_settings)
        self.say(f"map {town.name}: {len(town.spawn_points)} spawn points, {len(town.signals)} lights and signs")
        self._wake.set()

    def keep_map(self, opendrive: str) -> None:
        """The text of the map that is loaded next as ``OpenDriveMap``."""
        self.kept_map = opendrive

    def maps(self) -> list[str]:
        """Names that ``load`` knows."""
        return self.towns.names()

    def set_settings(self, settings: EpisodeSettings) -> int:
        """The settings from now on; the frame."""
        self.world.settings = with_times(settings)
        self._due = time.monotonic()
        self._wake.set()
        return self.world.frame

    def missing(self, client: str, name: str, why: str = "") -> None:
        """A call that is not answered, or refused whatever it says; told once."""
        if name not in self._missed:
            self._missed.add(name)
            known = "" if name in self.world.layout.calls else ", which no client of this version sends"
            self.say(f"{client} asks for '{name[:60]}', which is not answered here{known}{why and ': '}{why}")

    def broken(self, name: str, problem: Exception) -> str:
        """A mistake of the server's own in the call ``name``: told with where it happened; the text of the answer."""
        self.counts.broken += 1
        where = traceback.extract_tb(problem.__traceback__)[-1]
        self.say(f"mistake of this server in '{name}': {problem!r} ({Path(where.filename).name}:{where.lineno})")
        return f"'{name}': a mistake of this server, {type(problem).__name__}"

    def listen(self, listener: Listener, stream: int) -> bool:
        """Whether there is such a stream to listen to."""
        actor = self.world.rows.by_id.get(stream)
        if stream != WORLD_STREAM and (actor is None or not actor.info.stream_token):
            return False
        self._listeners.setdefault(stream, set()).add(listener)
        for client in self.clients:
            client.heard(stream)
        return True

    def leave(self, listener: Listener, stream: int) -> None:
        """It listens no more."""
        group = self._listeners.get(stream, set())
        group.discard(listener)
        if not group:
            self._listeners.pop(stream, None)

    def connections(self) -> int:
        """How many there are."""
        return len(self.clients) + sum(len(group) for group in self._listeners.values())


def with_times(settings: EpisodeSettings) -> EpisodeSettings:
    """Settings as they are kept. Raises Refused for a step that no simulation can make."""
    fixed = settings.fixed_delta_seconds
    if len(fixed) == 2:
        if fixed[1] == 0.0:
            return settings._replace(fixed_delta_seconds=(False,))
        if not 1e-4 <= fixed[1] <= LONGEST_STEP_S:
            raise CallRefused(f"fixed_delta_seconds {fixed[1]:g}, expected 0.0001 to {LONGEST_STEP_S:g}")
    return settings
