"""The latched messages that are in force: a clip begins with them, as they were at its first moment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from takead_ros.recording.ring import SerializedMessage


class LatchedTopics:
    """Keeps the last messages of each latched topic that have left the ring; ``depths``: how many of each."""

    def __init__(self, depths: Mapping[str, int]) -> None:
        self._depths = depths
        self._messages: dict[str, list[SerializedMessage]] = {topic: [] for topic in depths}

    def remember(self, messages: Iterable[SerializedMessage]) -> None:
        """These are in force, in this order, where they are of latched topics."""
        for message in messages:
            depth = self._depths.get(message.topic)
            if depth:
                kept = self._messages[message.topic]
                if message not in kept:
                    kept.append(message)
                    del kept[:-depth]

    def forget(self, topics: Iterable[str]) -> None:
        """What came on these topics so far is no longer in force."""
        for topic in topics:
            self._messages[topic] = []

    def head(self, start: int) -> list[SerializedMessage]:
        """What is in force, stamped with ``start`` ns."""
        return [SerializedMessage(m.topic, start, m.data) for messages in self._messages.values() for m in messages]
