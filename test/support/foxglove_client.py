"""A client of Foxglove's WebSocket protocol, as its application is one, and messages read by the schemas in them."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import struct
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from websockets.sync.client import connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("foxglove.sdk.v1")
MESSAGE_DATA = 1
HEADER = struct.Struct("<BIQ")  # kind, subscription, ns


class Heard(NamedTuple):
    topic: str
    stamp: int
    data: bytes


@dataclass
class FoxgloveClient:
    """Connects, and subscribes to the ``topics`` (None: all) as they are advertised."""

    address: str
    topics: frozenset[str] | None = None
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._open = contextlib.ExitStack()
        self.socket = self._open.enter_context(
            connect(
                self.address,
                subprotocols=[PROTOCOL],
                max_size=None,
                open_timeout=20,
                close_timeout=1,
                ping_interval=None,
            )
        )
        self._subscribed: dict[int, str] = {}

    def read(self, timeout_s: float) -> Heard | None:
        """The next message of a topic, within that time; None for whatever else comes. Raises TimeoutError."""
        received = self.socket.recv(timeout=timeout_s)
        if isinstance(received, str):
            self._on_word(json.loads(received))
            return None
        if received[0] != MESSAGE_DATA:
            return None
        _, subscription, stamp = HEADER.unpack_from(received)
        return Heard(self._subscribed[subscription], stamp, received[HEADER.size :])

    def collect(self, seconds: float) -> list[Heard]:
        """All messages of so many seconds, or until the server closes."""
        from websockets.exceptions import ConnectionClosed

        found, end = [], time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0.0:
            try:
                heard = self.read(rest)
            except (TimeoutError, ConnectionClosed):
                break
            if heard is not None:
                found.append(heard)
        return found

    def close(self) -> None:
        self._open.close()

    def _on_word(self, word: dict[str, Any]) -> None:
        if word["op"] == "serverInfo":
            self.sessions.append(word["sessionId"])
            self.capabilities = word["capabilities"]
        elif word["op"] == "advertise":
            new = []
            for channel in word["channels"]:
                self.channels[channel["topic"]] = channel
                if self.topics is None or channel["topic"] in self.topics:
                    self._subscribed[channel["id"]] = channel["topic"]
                    new.append({"id": channel["id"], "channelId": channel["id"]})
            if new:
                self.socket.send(json.dumps({"op": "subscribe", "subscriptions": new}))


@functools.lru_cache(maxsize=4)
def message_class(name: str, descriptors: bytes) -> Any:
    """The class of a protobuf message by a serialized FileDescriptorSet."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def decode(channel: dict[str, Any], data: bytes) -> Any:
    """A protobuf message by what its channel was advertised with."""
    return message_class(channel["schemaName"], base64.b64decode(channel["schema"])).FromString(data)
