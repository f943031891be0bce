"""Message types that only the sourced ROS 2 packages define."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rosbags.typesys import TypesysError, get_types_from_idl, get_types_from_msg

from takead_ros.messages import store


def known(type_name: str) -> bool:
    """Whether a message type such as ``sensor_msgs/msg/Image`` can be recorded with its definition.

    One that the typestore lacks is read from its package's share folder, with all that it contains, where ROS 2 is
    sourced; from then on ``codec.definition`` knows it.
    """
    definitions: dict[str, Any] = {}
    if not _gather(type_name, definitions):
        return False
    if definitions:
        store.typestore().register(definitions)
    return True


def _gather(type_name: str, into: dict[str, Any]) -> bool:
    """Add the definition of ``type_name`` and of the types of its fields; False where one is found nowhere."""
    if type_name in into or type_name in store.typestore().fielddefs:
        return True
    package, _, name = type_name.partition("/msg/")
    try:
        found = _read(package, name)
    except (TypesysError, OSError):
        return False
    into.update(found)
    # A field is (kind, detail): a type's name stands in the detail, or in that of a list's element.
    fields = [detail for _, entries in found.values() for _, (_, detail) in entries]
    return all(_gather(used, into) for detail in fields for used in _names(detail))


def _names(detail: Any) -> list[str]:
    if isinstance(detail, str):
        return [detail] if "/msg/" in detail else []
    return [name for part in detail if isinstance(part, (str, tuple)) for name in _names(part)]


def _read(package: str, name: str) -> Any:
    folder = _share(package) / "msg"
    text = folder / f"{name}.msg"
    if text.is_file():
        return get_types_from_msg(text.read_text(encoding="utf-8"), f"{package}/msg/{name}")
    return get_types_from_idl((folder / f"{name}.idl").read_text(encoding="utf-8"))


def _share(package: str) -> Path:
    """The package's share folder. Raises OSError where no ROS 2 is sourced or the package is not there."""
    try:
        from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
    except ImportError as problem:
        raise FileNotFoundError("no ROS 2 is sourced") from problem
    try:
        return Path(get_package_share_directory(package))
    except (PackageNotFoundError, ValueError) as problem:
        raise FileNotFoundError(f"package '{package}' is not there") from problem
