"""rosbag2's ``metadata.yaml``: written as Humble does, and read from whoever wrote it, within bounds."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

# Version 5 of rosbag2's metadata is what Humble writes; every later rosbag2 and rosbags read it.
ROSBAG2_VERSION = 5


MAX_YAML, MAX_NODES = 16 * 1024 * 1024, 1_000_000  # bytes of a metadata file, and nodes in it


@dataclass(frozen=True)
class BagTopic:
    """A topic of the bag: message type such as ``takead_ros/msg/Scene``, the QoS that players should offer, and the
    type's ``definition`` where the bag that it comes from brings one (empty: the type is known here)."""

    type: str
    reliable: bool = True
    latched: bool = False
    depth: int = 10
    definition: str = ""

    @staticmethod
    @functools.lru_cache(maxsize=1024)
    def described(type_: str, qos: str, definition: str) -> BagTopic:
        """The topic that another bag describes; ``qos`` is its ``offered_qos_profiles``, which may be anything."""
        try:
            profile = load_yaml(qos)[0]
            values = (profile["reliability"], profile["durability"], int(profile["depth"]))
        except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError, RecursionError):
            return BagTopic(type_, definition=definition)
        reliable, latched = values[0] not in (2, "best_effort"), values[1] in (1, "transient_local")
        return BagTopic(type_, reliable, latched, values[2], definition)

    @functools.lru_cache(maxsize=1024)  # noqa: B019 (a frozen value, and few of them)
    def qos(self) -> str:
        """rosbag2's ``offered_qos_profiles`` (YAML text, enum numbers as rmw has them)."""
        forever = {"sec": 9223372036, "nsec": 854775807}
        profile = {
            "history": 1,
            "depth": self.depth,
            "reliability": 1 if self.reliable else 2,
            "durability": 1 if self.latched else 2,
            "deadline": forever,
            "lifespan": forever,
            "liveliness": 1,
            "liveliness_lease_duration": forever,
            "avoid_ros_namespace_conventions": False,
        }
        return dump_yaml([profile]).strip()


def bag_metadata(clip_id: str, start: int, end: int, topics: Mapping[str, tuple[BagTopic, int]]) -> str:
    """The text of rosbag2's ``metadata.yaml`` for a bag with one file; stamps in ns, counts by topic."""
    count = sum(number for _, number in topics.values())
    span: dict[str, Any] = {
        "duration": {"nanoseconds": end - start},
        "starting_time": {"nanoseconds_since_epoch": start},
        "message_count": count,
    }
    described = [
        {
            "topic_metadata": {
                "name": name,
                "type": topic.type,
                "serialization_format": "cdr",
                "offered_qos_profiles": topic.qos(),
            },
            "message_count": number,
        }
        for name, (topic, number) in topics.items()
    ]
    name = f"{clip_id}_0.mcap"
    content = {
        "rosbag2_bagfile_information": {
            "version": ROSBAG2_VERSION,
            "storage_identifier": "mcap",
            **span,
            "topics_with_message_count": described,
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [name],
            "files": [{"path": name, **span}],
        }
    }
    return dump_yaml(content)


def load_yaml(text: str | bytes) -> Any:
    """What YAML text says; by libyaml where PyYAML has it, which is ten times as fast. Raises yaml.YAMLError, also for
    text that is longer, or by its aliases would become larger, than any bag's metadata."""
    if len(text) > MAX_YAML:
        raise yaml.YAMLError(f"{len(text)} bytes; expected at most {MAX_YAML}")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if (b"*" if isinstance(text, bytes) else "*") in text:  # type: ignore[operator]
        _bound_aliases(yaml.parse(text, Loader=loader))
    return yaml.load(text, Loader=loader)


def _bound_aliases(events: Iterator[Any]) -> None:
    """YAMLError where a document with its aliases written out has more than MAX_NODES nodes."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = [(None, 0)]  # anchor, nodes so far
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, 1))
            continue
        if isinstance(event, yaml.AliasEvent):
            anchor, size = None, sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
        else:
            continue
        if anchor is not None:
            sizes[anchor] = size
        outer, total = open_nodes[-1]
        open_nodes[-1] = outer, total + size
        if total + size > MAX_NODES:
            raise yaml.YAMLError(f"more than {MAX_NODES} nodes once its aliases are written out")


def dump_yaml(content: Any) -> str:
    """YAML text in the order of ``content``."""
    return str(yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False))
