"""Which names and arguments of ROS 2's Python packages this project uses, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pydantic.dataclasses import dataclass

from takead_ros.runs.results import RECORD

ROOT = Path(__file__).parents[2]
PACKAGES = ("rclpy", "launch", "launch_ros", "ament_index_python")
FILES = sorted(
    path
    for folder in ("takead_ros", "launch", "test/ros")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "conftest.py"
)
CONSTRUCTOR = "__init__"
ANY = "**"  # any keyword
Where = tuple[Path, int]


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Api:
    """What a distribution has of what is used here. names: by module; classes: arguments of each method, by class and
    its package (a function stands as a class of its own name with a constructor); bases: of each class."""

    distribution: str
    names: dict[str, list[str]]
    classes: dict[str, dict[str, list[str]]]
    bases: dict[str, list[str]]

    def arguments(self, name: str, method: str) -> list[str] | None:
        """Arguments of a method, its class's bases included; None where there is no such method."""
        own = self.classes.get(name, {}).get(method)
        if own is not None and ANY not in own:
            return own
        found = [self.arguments(base, method) for base in self.bases.get(name, [])]
        inherited = [argument for one in found for argument in one or []]
        if own is None:
            return inherited if any(one is not None for one in found) else None
        return [*(one for one in own if one != ANY or not any(found)), *inherited]


def imports_of() -> Iterator[tuple[Where, str, str]]:
    """Every name that is imported from one of PACKAGES: where, the module, and the name."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in PACKAGES:
                for alias in node.names:
                    yield (path, node.lineno), node.module, alias.name


def keywords_of() -> Iterator[tuple[Where, str, str]]:
    """Every keyword that one of those names is called with: where, the name behind its package, and the keyword."""
    used = {(where[0], name): module.split(".")[0] for where, module, name in imports_of()}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (path, node.func.id) in used:
                for keyword in node.keywords:
                    if keyword.arg is not None:
                        yield (path, node.lineno), f"{used[path, node.func.id]}.{node.func.id}", keyword.arg


def attributes_of() -> Iterator[tuple[Where, str]]:
    """What ``host``'s own kinds of rclpy's node call on themselves and do not define."""
    for name in ("ros_node", "managed_node"):
        path = ROOT / "takead_ros" / "host" / f"{name}.py"
        for kind in (one for one in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(one, ast.ClassDef)):
            if not kind.bases:
                continue
            own = {one.name for one in kind.body if isinstance(one, ast.FunctionDef)}
            for node in ast.walk(kind):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                    own.add(node.attr)
            for node in ast.walk(kind):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    of, attribute = node.func.value, node.func.attr
                    above = isinstance(of, ast.Call) and isinstance(of.func, ast.Name) and of.func.id == "super"
                    if above or (isinstance(of, ast.Name) and of.id == "self" and attribute not in own):
                        yield (path, node.lineno), attribute
