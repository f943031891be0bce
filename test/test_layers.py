"""Imports point downwards only: every file of the package is held to the layer list (docs/design.md, "Layers")."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "takead_ros"

# Bottom first; what stands in one row may import from the rows above it, and from itself. Files beside the folders
# (``errors`` and the like live in domain) are rows as well.
LAYERS = (
    ("resources", "compiled"),
    ("domain",),
    ("files", "text_table"),
    ("console",),
    ("messages", "maps"),
    ("policy", "takeover", "measures"),
    ("expert", "scenarios", "prediction"),
    ("display",),
    ("recording",),
    ("vehicles",),
    ("simulators",),
    ("host",),
    ("nodes",),
    ("runs",),
    ("pictures",),
    ("cli",),
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}
# What a pure layer may import from outside: no clock, no I/O, no simulator, no ROS (CONTRIBUTING, "Pure core").
PURE = ("domain", "policy", "takeover", "expert", "measures", "scenarios", "prediction", "display")
IMPURE = frozenset({"time", "datetime", "os", "subprocess", "threading", "multiprocessing", "socket", "random", "rclpy",
                    "metadrive", "torch", "rosbags", "mcap"})  # fmt: skip
FILES = sorted((ROOT / PACKAGE).rglob("*.py"))
TRAINING = sorted((ROOT / "training").rglob("*.py"))
VERBS = (ROOT / "training/takead_training/cli.py", *(ROOT / "training/takead_training/commands").glob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module (or name in a module) that a file imports, wherever in it."""
    names: list[str] = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return tuple(names)


def layer(path: Path) -> str:
    return path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    own = layer(path)
    if own == "__init__":
        return
    assert own in RANK, f"{path}: '{own}' is in no layer; add it to LAYERS and to docs/design.md"
    for name in imported(path):
        parts = name.split(".")
        assert parts[0] not in ("torch", "takead_training", "lightning"), f"{path} imports {name}"
        if parts[0] != PACKAGE or parts[1].startswith("__"):
            continue
        other = parts[1]
        assert other == own or RANK[other] < RANK[own], f"{path} imports {name}: '{own}' may not know '{other}'"


@pytest.mark.parametrize("path", [path for path in FILES if layer(path) in PURE], ids=lambda p: p.name)
def test_pure_layers_know_no_clock_and_no_world(path: Path) -> None:
    outside = {name.split(".")[0] for name in imported(path)}
    assert not outside & IMPURE, f"{path} imports {sorted(outside & IMPURE)}"


def test_there_are_no_import_cycles_between_files() -> None:
    """A file's imports, wherever in it, followed through: none leads back to it."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in FILES}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        found = {one for full in imported(path) for one in (full, full.rpartition(".")[0])}
        graph[name] = {other for other in found if other in names and other != name}

    while leaves := {name for name, others in graph.items() if not others & graph.keys()}:
        graph = {name: others for name, others in graph.items() if name not in leaves}
    assert not graph, "files that lead back to themselves, and what leads to them"


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: str(path.relative_to(ROOT)))
def test_training_stands_on_the_package_and_only_its_verbs_on_the_command_line(path: Path) -> None:
    """``takead train`` and ``takead export`` are verbs like those of ``cli``, whose options and output they share; they
    are here because they need torch. What they call knows nothing of hosts, nodes, simulators or the command line."""
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == PACKAGE and not parts[1].startswith("__") and path not in VERBS:
            assert parts[1] == "runs" or RANK[parts[1]] <= RANK["recording"], f"{path} imports {name}"


def test_training_is_never_imported_by_the_runtime_package_at_load() -> None:
    """torch lives in ``training/`` only; the command line loads it inside the verbs that train."""
    for path in FILES:
        for node in parsed(path).body:
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            assert not [n for n in names if n.split(".")[0] in ("torch", "takead_training", "onnx")], path


def test_a_class_name_means_one_thing() -> None:
    found: dict[str, list[str]] = {}
    for path in (*FILES, *TRAINING):
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
