"""The formats that this software knows, by the name that a manifest gives as its ``encoding``."""

from __future__ import annotations

from takead_ros.domain.errors import TakeadError
from takead_ros.policy.format import PolicyFormat
from takead_ros.policy.vector import VECTOR_1

FORMATS: dict[str, PolicyFormat] = {known.name: known for known in (VECTOR_1,)}


def format_of(name: str, where: str) -> PolicyFormat:
    """The format called ``name``. Raises TakeadError that names ``where`` the name came from."""
    if name not in FORMATS:
        raise TakeadError(f"{where}: made for encoding {name}; this software has {', '.join(FORMATS)}")
    return FORMATS[name]
