"""ROS names: relative, absolute and private ones, resolved as rcl does."""

from __future__ import annotations

import re

from takead_ros.domain.errors import TakeadError

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_node_name(name: str, namespace: str) -> str:
    """The namespace with one leading slash.

    Raises TakeadError where name or namespace is no valid one.
    """
    if not _TOKEN.fullmatch(name):
        raise TakeadError(f"node name '{name}' is invalid, expected letters, digits and '_', not starting with a digit")
    absolute = "/" + namespace.strip("/")
    if absolute != "/" and not all(_TOKEN.fullmatch(part) for part in absolute[1:].split("/")):
        raise TakeadError(f"namespace '{namespace}' is invalid, expected '/' or names separated by '/'")
    return absolute


def resolve(name: str, namespace: str, node: str) -> str:
    """Full name of topic or service ``name`` as ``node`` in ``namespace`` means it.

    ``/x`` is absolute, ``~/x`` private to the node, ``x`` relative to the namespace. Raises TakeadError for others.
    """
    base = namespace.rstrip("/")
    if name.startswith("~"):
        full = f"{base}/{node}{name[1:]}"
        valid = name == "~" or name.startswith("~/")
    else:
        full = name if name.startswith("/") else f"{base}/{name}"
        valid = True
    if not valid or not all(_TOKEN.fullmatch(part) for part in full[1:].split("/")):
        raise TakeadError(f"topic or service name '{name}' of node '{base}/{node}' is invalid")
    return full
