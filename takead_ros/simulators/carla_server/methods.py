"""The calls that the server answers, by name: the types of their arguments, and what they do to the world.

A handler returns the value of the call; one that is marked as returning nothing returns None. It raises Refused for
what cannot be done, which becomes the client's RuntimeError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from takead_ros.simulators.carla_server.recordings import Recordings
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import CallRefused, EpisodeSettings
from takead_ros.simulators.carla_server.wire_layout import Decoder, WireLayout


class ServerHost(Protocol):
    """What the calls need besides the world: the maps, the streams, and who ticks."""

    @property
    def world(self) -> ServerWorld: ...

    def load(self, name: str, reset_settings: bool) -> None:
        """Another map by its name. Raises Refused."""

    def keep_map(self, opendrive: str) -> None:
        """The text of the map that is loaded next as ``OpenDriveMap``."""

    def maps(self) -> list[str]:
        """Names that ``load`` knows."""

    def set_settings(self, settings: EpisodeSettings) -> int:
        """The settings from now on; the frame."""

    @property
    def managers(self) -> dict[int, tuple[str, int]]:
        """The traffic managers of all clients by their port: where each can be reached."""

    def add_manager(self, address: str, port: int) -> bool:
        """One more, which goes with the client; False where the port has one."""

    @property
    def recordings(self) -> Recordings:
        """The recorder and the replayer."""

    def expect(self, stream: int) -> None:
        """Somebody will listen to ``stream`` in a moment."""


@dataclass(frozen=True)
class Method:
    """One call. ``returns``: it gives a value (else nothing); ``bare``: that value stands without a wrapping."""

    name: str
    arguments: tuple[str, ...]
    act: Callable[..., Any]
    returns: bool
    bare: bool = False


@dataclass
class Table:
    """Calls in the making: ``@table.call("name", "int", "Vector3D")`` above what answers it."""

    methods: dict[str, Method] = field(default_factory=dict)

    def call(
        self, name: str, *arguments: str, returns: bool = True, bare: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def note(act: Callable[..., Any]) -> Callable[..., Any]:
            self.methods[name] = Method(name, arguments, act, returns, bare)
            return act

        return note


@dataclass(frozen=True)
class Ready:
    """A call with its decoders."""

    method: Method
    decoders: tuple[Decoder, ...]

    def __call__(self, host: ServerHost, arguments: tuple[Any, ...]) -> Any:
        """Raises Refused for arguments of other types, or another number of them."""
        if len(arguments) != len(self.decoders):
            raise CallRefused(f"{self.method.name}: {len(arguments)} arguments, expected {len(self.decoders)}")
        values = [decode(item) for decode, item in zip(self.decoders, arguments, strict=True)]
        return self.method.act(host, *values)


def ready(layout: WireLayout, methods: Mapping[str, Method]) -> dict[str, Ready]:
    """The calls with the decoders of one version."""
    return {
        name: Ready(method, tuple(layout.decoder(kind) for kind in method.arguments))
        for name, method in methods.items()
    }
