"""A recorder node in the lockstep host, with publishers on all its topics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from takead_ros.host import qos
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import types
from takead_ros.nodes.recorder_node import OWN_TOPICS, RecorderNode

PROFILES = {"scene": qos.SCENE, "command": qos.COMMAND, "arbiter/state": qos.STATE, "takeover/event": qos.EVENTS}


class Drive:
    """A host with a recorder and with publishers on all its topics."""

    def __init__(self, folder: Path, **parameters: Any) -> None:
        self.host = LockstepHost()
        source = self.host.create_node("source")
        self.publishers = {
            f"/takead/{name}": source.create_publisher(types.message(kind), name, PROFILES.get(name, qos.OUTPUT))
            for name, kind, *_ in OWN_TOPICS
        }
        handle = self.host.create_node(
            "recorder_node", parameter_overrides={"directory": str(folder), "wait_for_disk": True, **parameters}
        )
        self.recorder = RecorderNode(handle, self.host.steady)
        self.diagnostics: list[Any] = []
        source.create_subscription(types.DiagnosticArray, "/diagnostics", self.diagnostics.append, qos.DIAGNOSTICS)
        self.bookmark = source.create_client(types.Bookmark, "recorder/bookmark")

    def run(self, messages: Any) -> None:
        for message in messages:
            self.host.run_until(message.stamp)
            self.publishers[message.topic].publish(message.data)
        self.host.advance(0)
