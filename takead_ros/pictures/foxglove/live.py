"""An embedded drive, streamed to Foxglove while it runs, in real time.

The stream is a node like the others, the last one of each tick: it listens and says nothing, so that a drive is the
same with and without it. Clients are served by the SDK's own threads; what one of them is too slow for is dropped, for
it alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any
from urllib.parse import quote

from takead_ros.display.picture import draw
from takead_ros.display.shapes import Key, vanished
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import codec, interfaces
from takead_ros.messages.interfaces import Interface
from takead_ros.nodes.display_inputs import SHOWN, Gathered
from takead_ros.pictures.foxglove.scene_update import TOPIC, SceneUpdates, sdk
from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec
from takead_ros.runs.results import EpisodeResult
from takead_ros.takeover.inputs import Now

NAMESPACE = "/takead"
STREAMED = (*SHOWN, interfaces.EVENT, interfaces.DIAGNOSTICS)  # as they are, in CDR
PERIOD_S = interfaces.SCENE_PERIOD_S
LIFETIME_S, STALE_S = 0.5, 0.5
BACKLOG = 64  # messages that wait for a client; then the oldest is dropped
FAREWELL_S = 1.0  # for clients, at the end
WHAT = "--live"


class Pace:
    """Holds simulated time back to real time; where it is slower than that, nothing is caught up.

    clock: s, steady. sleep: waits so many s.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._origin: float | None = None  # s of the clock at simulated time 0

    def wait(self, simulated_s: float) -> None:
        """Wait until it is ``simulated_s``."""
        now = self._clock()
        ahead = 0.0 if self._origin is None else self._origin + simulated_s - now
        if ahead > 0.0:
            self._sleep(ahead)
        else:
            self._origin = now - simulated_s


class LiveStream:
    """A server for Foxglove's clients; ``watch`` makes it show one drive after another. A context manager.

    pace: makes what holds a drive back. address: what clients connect to; app: a link that opens Foxglove on it. Raises
    TakeadError where the SDK is missing or the place cannot be listened on.
    """

    def __init__(self, host: str, port: int, pace: Callable[[], Pace] = Pace) -> None:
        foxglove = sdk(WHAT)
        self._pace, self._closed = pace, False
        self._context = foxglove.Context()
        self._updates = SceneUpdates(WHAT)
        try:
            self._server = foxglove.start_server(
                name="takead drive", host=host, port=port, context=self._context, message_backlog_size=BACKLOG
            )
        except (RuntimeError, OverflowError) as error:
            raise TakeadError(
                f"{WHAT}: cannot listen on {host}:{port}: {str(error).removeprefix('FoxgloveError: ')}; "
                "expected an address of this machine and a free port (another one: --live-at HOST:PORT)"
            ) from error
        shown = f"[{host}]" if ":" in host else host
        self.address = f"ws://{shown}:{self._server.port}"
        self.app = f"https://app.foxglove.dev/?ds=foxglove-websocket&ds.url={quote(self.address, safe='')}"
        self._scene = self._channel(foxglove, TOPIC, "protobuf", self._updates.schema)
        self._raw = {
            one: self._channel(
                foxglove,
                one.name,
                "cdr",
                foxglove.Schema(name=one.type, encoding="ros2msg", data=codec.definition(one.type).encode()),
            )
            for one in STREAMED
        }

    def _channel(self, foxglove: Any, name: str, encoding: str, schema: Any) -> Any:
        full = name if name.startswith("/") else f"{NAMESPACE}/{name}"
        return foxglove.Channel(full, message_encoding=encoding, schema=schema, context=self._context)

    def __enter__(self) -> LiveStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Part from the clients. A second time it does nothing."""
        if self._closed:
            return
        self._closed = True
        # It waits for clients to say goodbye, and one that does not read says none.
        farewell = threading.Thread(target=self._server.stop, name="foxglove farewell", daemon=True)
        farewell.start()
        farewell.join(FAREWELL_S)

    def watch(self, host: LockstepHost) -> None:
        """Show the drive in ``host`` from now on; what was shown before is forgotten, for its time began anew."""
        self._server.clear_session()
        _Watcher(self, host, self._pace())

    def show(self, gathered: Gathered, last_keys: list[Key], now: Now) -> list[Key]:
        """Send the picture of ``now``, where somebody watches; the keys of what is on their screens then."""
        if not self._scene.has_sinks():
            return []
        shapes = draw(gathered.overview(now, STALE_S), LIFETIME_S)
        self._scene.log(self._updates.encoded(shapes, vanished(last_keys, shapes), now.ros), log_time=now.ros)
        return [shape.key for shape in shapes]

    def send(self, one: Interface, msg: Any, stamp: int) -> None:
        """Send a message of the drive as it is, where somebody watches its topic."""
        if self._raw[one].has_sinks():
            self._raw[one].log(codec.serialize(msg), log_time=stamp)


class _Watcher:
    """The stream's node in one drive."""

    def __init__(self, stream: LiveStream, host: LockstepHost, pace: Pace) -> None:
        self._stream, self._host, self._gathered, self._pace = stream, host, Gathered(), pace
        self._last_keys: list[Key] = []
        node = host.create_node("live", NAMESPACE)
        for one in STREAMED:
            wiring.subscription(node, one, partial(self._on_message, one))
        node.create_timer(PERIOD_S, self._on_timer, clock=host.steady)

    def _on_message(self, one: Interface, msg: Any) -> None:
        if one in SHOWN:
            self._gathered.take(one, msg, self._host.steady.nanoseconds)
        self._stream.send(one, msg, self._host.clock.nanoseconds)

    def _on_timer(self) -> None:
        now = Now(self._host.clock.nanoseconds, self._host.steady.nanoseconds)
        self._last_keys = self._stream.show(self._gathered, self._last_keys, now)
        self._pace.wait(now.steady / SECOND)


class LiveRunner:
    """A worker that drives episodes before the eyes of a stream's clients."""

    def __init__(self, stream: LiveStream) -> None:
        self._stream, self._runner = stream, EpisodeRunner()

    def run(self, spec: EpisodeSpec) -> EpisodeResult:
        """Drive ``spec`` in real time."""
        return self._runner.run(spec, self._stream.watch)

    def close(self) -> None:
        """Give the simulator back."""
        self._runner.close()
