"""One connection each: a client's calls.

A client can only harm itself: it has a turn of so many calls, is not read from while it does not read its answers, and
is cut off when it sends what is no call or lets more wait than memory is for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server.connection_parts import MOST_CONNECTIONS, Counts, WorldObserver, send_at_once
from takead_ros.simulators.carla_server.methods import Ready
from takead_ros.simulators.carla_server.methods_refused import REFUSED
from takead_ros.simulators.carla_server.recordings import Recordings
from takead_ros.simulators.carla_server.rpc import (
    NOTHING,
    Request,
    Requests,
    answer_of,
    pack_answer,
    pack_error,
    refusal,
    refusal_of_nothing,
)
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import CallRefused, EpisodeSettings

TURN = 100  # calls of one client before the next one's turn
LISTENER_S = 0.25


class Hub(Protocol):
    """What the connections of clients share: the server."""

    world: ServerWorld
    say: Callable[[str], None]
    calls: Mapping[str, Ready]
    managers: dict[int, tuple[str, int]]
    counts: Counts
    recorder: WorldObserver | None
    clients: set[ClientConnection]
    recordings: Recordings

    def tick(self) -> None: ...
    def wait_s(self) -> float: ...
    def load(self, name: str, reset_settings: bool) -> None: ...
    def keep_map(self, opendrive: str) -> None: ...
    def maps(self) -> list[str]: ...
    def set_settings(self, settings: EpisodeSettings) -> int: ...
    def missing(self, client: str, name: str, why: str = "") -> None: ...
    def broken(self, name: str, problem: Exception) -> str: ...
    def connections(self) -> int: ...


class ClientConnection(asyncio.Protocol):
    """The calls of one client; ``ServerHost`` for what answers them."""

    def __init__(self, server: Hub) -> None:
        self._server = server
        self._requests = Requests()
        self._pending: Iterator[Request] = iter(self._requests)
        self._transport: asyncio.Transport | None = None
        self._full = False  # it does not read its answers
        self._ticking = False  # it waits for a tick
        self._scheduled = False
        self._ports: set[int] = set()
        self._expected: dict[int, float] = {}  # streams that it asked for, and until when its next tick waits for them
        self.name = "?"

    @property
    def world(self) -> ServerWorld:
        return self._server.world

    @property
    def managers(self) -> dict[int, tuple[str, int]]:
        return self._server.managers

    @property
    def recordings(self) -> Recordings:
        return self._server.recordings

    def add_manager(self, address: str, port: int) -> bool:
        if port in self.managers:
            return False
        self.managers[port] = address, port
        self._ports.add(port)
        return True

    def load(self, name: str, reset_settings: bool) -> None:
        self._server.load(name, reset_settings)

    def keep_map(self, opendrive: str) -> None:
        self._server.keep_map(opendrive)

    def maps(self) -> list[str]:
        return self._server.maps()

    def set_settings(self, settings: EpisodeSettings) -> int:
        return self._server.set_settings(settings)

    def expect(self, stream: int) -> None:
        self._expected[stream] = time.monotonic() + LISTENER_S

    def heard(self, stream: int) -> None:
        """Somebody listens to ``stream`` now."""
        self._expected.pop(stream, None)

    # --- the connection -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._server.connections() >= MOST_CONNECTIONS:
            transport.abort()
            return
        send_at_once(transport)
        self.name = "{}:{}".format(*transport.get_extra_info("peername")[:2])
        self._server.clients.add(self)
        self._server.counts.clients += 1
        self._server.say(f"{self.name} connects")

    def connection_lost(self, problem: Exception | None) -> None:
        if self in self._server.clients:
            self._server.clients.discard(self)
            self._server.say(f"{self.name} is gone")
        for port in self._ports:
            self.managers.pop(port, None)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._requests.feed(data)
        except TakeadError as error:
            self._cut(str(error))
            return
        self._work()

    def pause_writing(self) -> None:
        self._full = True
        self._rest()

    def resume_writing(self) -> None:
        self._full = False
        self._work()

    def end(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    def _cut(self, why: str) -> None:
        if self._transport is not None:
            self._server.say(f"{self.name} is cut off: {why}")
            self._transport.abort()
            self._transport = None

    def _rest(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _later(self) -> None:
        self._scheduled = False
        self._work()

    def _work(self) -> None:
        """A turn of this client."""
        if self._scheduled:
            return
        began = time.thread_time()
        server = self._server
        for _ in range(TURN):
            if self._transport is None or self._full or self._ticking:
                break
            try:
                request = next(self._pending)
            except StopIteration:
                self._pending = iter(self._requests)
                self._transport.resume_reading()
                break
            except TakeadError as error:
                self._cut(str(error))
                break
            server.counts.calls += 1
            if request.name == "tick_cue":
                self._tick_cue(request)
            else:
                self._transport.write(self._answer(request))
        else:
            self._rest()
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._later)
        server.counts.spent_s += time.thread_time() - began

    def _answer(self, request: Request) -> bytes:
        server = self._server
        call = server.calls.get(request.name)
        if call is None:
            server.missing(self.name, request.name)
            return self._told(
                request, pack_error(request.number, f"'{request.name[:60]}' is not answered by this server"), "missing"
            )
        try:
            result = call(self, request.arguments)
        except CallRefused as problem:
            text = str(problem)
            if request.name in REFUSED:
                server.missing(self.name, request.name, text)
            wrapped = refusal(text) if call.method.returns else refusal_of_nothing(text)
            if call.method.bare:
                return self._told(request, pack_error(request.number, text), text)
            return self._told(request, pack_answer(request.number, wrapped), text)
        except Exception as problem:  # noqa: BLE001  (a mistake of ours must not end the others' world)
            return self._told(request, pack_error(request.number, server.broken(request.name, problem)), "broken")
        if call.method.bare:
            if request.name == "apply_batch" and request.arguments[1] and self.world.settings.synchronous_mode:
                server.tick()
            return self._told(request, pack_answer(request.number, result))
        return self._told(request, pack_answer(request.number, answer_of(result) if call.method.returns else NOTHING))

    def _told(self, request: Request, answer: bytes, problem: str = "") -> bytes:
        if self._server.recorder is not None:
            self._server.recorder.call(self.name, request.name, problem)
        return answer

    def _wait_for_listeners_s(self) -> float:
        """A moment, as long as one who asked for a stream is not there to hear the next frame."""
        now = time.monotonic()
        self._expected = {stream: until for stream, until in self._expected.items() if until > now}
        return 0.002 if self._expected else 0.0

    def _late_tick(self, request: Request) -> None:
        began = time.thread_time()
        self._tick_cue(request)
        self._server.counts.spent_s += time.thread_time() - began

    def _tick_cue(self, request: Request) -> None:
        server = self._server
        if self._transport is None:
            return
        if not self.world.settings.synchronous_mode:
            self._transport.write(self._told(request, pack_answer(request.number, answer_of(self.world.frame + 1))))
            return
        wait = max(server.wait_s(), self._wait_for_listeners_s())
        if wait > 0.0:
            if not self._ticking:
                self._ticking = True
                self._rest()
            asyncio.get_running_loop().call_later(wait, self._late_tick, request)
            return
        try:
            server.tick()
            answer = pack_answer(request.number, answer_of(self.world.frame))
        except Exception as problem:  # noqa: BLE001
            answer = pack_error(request.number, server.broken("tick_cue", problem))
        self._transport.write(self._told(request, answer))
        if self._ticking:
            self._ticking = False
            self._work()
