"""A digest of a clip's messages: what was recorded, in which order, to the byte.

It is kept in the manifest. It tells a clip that was changed, on purpose or not, from the one that was recorded; it is
no signature: who can write the clip can write another digest as well (docs/security.md).
"""

from __future__ import annotations

import hashlib
import struct

from takead_ros.files import parse_json

_HEAD = struct.Struct("<HqI")  # bytes of the topic's name, stamp ns, bytes of the message


class ContentDigest:
    """SHA-256 over topic, receive stamp and bytes of every message, in the order of the file."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._names: dict[str, bytes] = {}

    def add(self, topic: str, stamp: int, data: bytes) -> None:
        """The next message: ``stamp`` ns, CDR ``data``."""
        name = self._names.get(topic)
        if name is None:
            name = self._names[topic] = topic.encode("utf-8", "surrogatepass")[:65535]
        self._hash.update(_HEAD.pack(len(name), stamp, len(data)) + name)
        self._hash.update(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def recorded_digest(manifest: str | None) -> str:
    """The digest that the manifest in a bag holds; empty where it holds none (a clip of an older version)."""
    try:
        found = parse_json(manifest or "{}").get("content_sha256", "")
    except (ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""
