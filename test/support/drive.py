"""A recorder node in the lockstep host, with publishers on all its topics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces
from takead_ros.nodes.recorder_node import RecorderNode


class Drive:
    """A host with a recorder and with publishers on all its topics; ``scenario``: an episode that has begun before."""

    def __init__(self, folder: Path, scenario: str = "", seed: int | None = None, **parameters: Any) -> None:
        self.host = LockstepHost()
        source = self.host.create_node("source")
        self.publishers = {
            interface.full_name("/takead"): wiring.publisher(source, interface) for interface in interfaces.RECORDED
        }
        if scenario:
            self.begin(scenario, seed)
        handle = self.host.create_node(
            "recorder_node", parameter_overrides={"directory": str(folder), "wait_for_disk": True, **parameters}
        )
        self.recorder = RecorderNode(handle, self.host.steady)
        self.diagnostics: list[Any] = []
        wiring.subscription(source, interfaces.DIAGNOSTICS, self.diagnostics.append)
        self.bookmark = wiring.client(source, interfaces.BOOKMARK)

    def begin(self, scenario: str, seed: int | None, route: str = "", stamp: int | None = None) -> None:
        """Say that an episode begins now, or that it began at ``stamp`` ns."""
        stamp = self.host.clock.nanoseconds if stamp is None else stamp
        episode = EpisodeIdentity(stamp, "unit", scenario, seed, route, "Town00", "stream 1.0")
        self.publishers["/takead/episode"].publish(convert.episode_to_msg(episode))

    def run(self, messages: Any) -> None:
        for message in messages:
            self.host.run_until(message.stamp)
            self.publishers[message.topic].publish(message.data)
        self.host.advance(0)
