"""What a run leaves with ``--record``: an MCAP file of every frame and every call, as JSON that any reader shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mcap.writer import CompressionType, Writer

from takead_ros.domain.errors import TakeadError
from takead_ros.files import to_json
from takead_ros.simulators.carla_server.server_world import ServerWorld

_ROW = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "type": {"type": "string"},
        "pose": {"type": "array", "items": {"type": "number"}, "description": "x, y, z m; pitch, yaw, roll degrees"},
        "velocity": {"type": "array", "items": {"type": "number"}, "description": "m/s, CARLA's world frame"},
    },
}
_FRAME = {
    "type": "object",
    "properties": {
        "episode": {"type": "integer"},
        "map": {"type": "string"},
        "frame": {"type": "integer"},
        "elapsed_s": {"type": "number"},
        "actors": {"type": "array", "items": _ROW},
        "contacts": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    },
}
_CALL = {
    "type": "object",
    "properties": {"client": {"type": "string"}, "name": {"type": "string"}, "problem": {"type": "string"}},
}
_MOVING = 3  # kinds below it: vehicles, walkers, props


class McapRecorder:
    """``FOLDER/carla_server.mcap``: topics ``frame`` (what moves, who touches whom), ``call``; times are simulated."""

    def __init__(self, folder: Path) -> None:
        """Raises TakeadError where the file is there already or cannot be made."""
        self.path = folder / "carla_server.mcap"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb")
        except OSError as error:
            raise TakeadError(
                f"--record {self.path}: {error.strerror or error}, expected a folder without one"
            ) from error
        self._writer = Writer(self._file, compression=CompressionType.ZSTD)
        self._writer.start(profile="", library="takead carla-server")
        self._channels = {
            topic: self._writer.register_channel(
                topic, "json", self._writer.register_schema(topic, "jsonschema", to_json(schema).encode())
            )
            for topic, schema in (("frame", _FRAME), ("call", _CALL))
        }
        self._time_ns = self._before_ns = 0
        self._episode = 0

    def frame(self, world: ServerWorld) -> None:
        """After each frame."""
        if world.episode != self._episode:  # its clock begins at zero again; the file's goes on
            self._episode, self._before_ns = world.episode, self._time_ns
        self._time_ns = self._before_ns + round(world.elapsed * 1e9)
        rows = world.rows
        actors = [
            {
                "id": actor.id,
                "type": actor.type_id,
                "pose": [round(value, 4) for value in rows.pose[actor.row].tolist()],
                "velocity": [round(value, 4) for value in rows.velocity[actor.row].tolist()],
            }
            for actor in rows.actors
            if actor.kind.value < _MOVING
        ]
        content = {
            "episode": world.episode,
            "map": world.town.name,
            "frame": world.frame,
            "elapsed_s": world.elapsed,
            "actors": actors,
            "contacts": [[contact.first, contact.second] for contact in world.contacts],
        }
        self._write("frame", content, world.frame)

    def call(self, client: str, name: str, problem: str) -> None:
        """After each call; ``problem`` is empty where it went well."""
        self._write("call", {"client": client, "name": name, "problem": problem}, 0)

    def close(self) -> None:
        """The file is whole from here on."""
        self._writer.finish()  # type: ignore[no-untyped-call]
        self._file.close()

    def _write(self, topic: str, content: dict[str, Any], sequence: int) -> None:
        data = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
        self._writer.add_message(self._channels[topic], self._time_ns, data, self._time_ns, sequence % 2**32)
