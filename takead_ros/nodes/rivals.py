"""Two publishers where there may be one: who sends ``command`` or ``human/command`` beside the one that should."""

from __future__ import annotations

from takead_ros.host.api import NodeHandle
from takead_ros.messages import interfaces
from takead_ros.nodes.diagnostics import Level, Part

WATCHED = (interfaces.COMMAND, interfaces.HUMAN_COMMAND)


class Rivals:
    """Looks at the graph for the arbiter, and says in the log when what it sees changes."""

    def __init__(self, node: NodeHandle) -> None:
        self._node, self._logger = node, node.get_logger()
        self._last_words = ""

    def part(self) -> Part:
        """The arbiter's word on it: ERROR where a topic has more than one publisher."""
        found = {one.name: self._publishers(one.name) for one in WATCHED}
        doubled = [f"{name} has {len(who)} publishers: {', '.join(who)}" for name, who in found.items() if len(who) > 1]
        words = "; ".join(doubled)
        if words and words != self._last_words:
            self._logger.error(f"{words}; expected one: what the vehicle gets is a mixture of both")
        self._last_words = words
        level = Level.ERROR if words else Level.OK
        values = {name: ", ".join(who) or "none" for name, who in found.items()}
        return Part("publishers", level, words or "one at most for each topic", values)

    def _publishers(self, topic: str) -> list[str]:
        """Full names of the nodes that publish a topic, in order."""
        infos = self._node.get_publishers_info_by_topic(topic)
        return sorted(f"{one.node_namespace.rstrip('/')}/{one.node_name}" for one in infos)
