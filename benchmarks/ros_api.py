"""Writes what another distribution of ROS 2 has of the Python API that is used here, for test/host/test_ros_api.py.

    PYTHONPATH=test python -m benchmarks.ros_api SOURCES --distribution humble --out test/host/ros_api_humble.json

SOURCES: a folder with checkouts of rclpy, launch, launch_ros and ament_index at that distribution's branch. Nothing of
them is kept but the names of what this project uses.
"""

from __future__ import annotations

import argparse
import ast
from pathlib import Path

from support.ros_api import ANY, CONSTRUCTOR, PACKAGES, Api, imports_of
from takead_ros.files import write_record

WHOLE = (
    "rclpy.Node",
    "rclpy.LifecycleNodeMixin",
    "rclpy.Client",
)  # of these every public method, by whatever name they are called
Function = ast.FunctionDef | ast.AsyncFunctionDef


def arguments(function: Function) -> list[str]:
    """Names of a function's arguments without ``self``; ``**`` where it takes any keyword."""
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs) if one.arg not in ("self", "cls")]
    return [*names, *([ANY] if given.kwarg else [])]


def names_in(tree: ast.Module) -> set[str]:
    """Every name that a module has: defined, assigned or imported."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef | Function):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def read(sources: Path, distribution: str) -> Api:
    """The table."""
    used = sorted({(module, name) for _, module, name in imports_of()})
    trees: dict[str, ast.Module] = {}
    for package in PACKAGES:
        for file in sorted(sources.glob(f"*/{package}/{package}/**/*.py")):
            inner = file.relative_to(next(one for one in file.parents if one.name == package)).with_suffix("")
            module = ".".join((package, *(part for part in inner.parts if part != "__init__")))
            trees[module] = ast.parse(file.read_text(encoding="utf-8"))
    names: dict[str, list[str]] = {}
    for module, name in used:
        if module in trees and (name in names_in(trees[module]) or f"{module}.{name}" in trees):
            names.setdefault(module, []).append(name)
    classes: dict[str, dict[str, list[str]]] = {}
    bases: dict[str, list[str]] = {}
    wanted = {f"{module.split('.')[0]}.{name}" for module, name in used} | set(WHOLE)
    while wanted:
        name = wanted.pop()
        package, _, own = name.partition(".")
        for node in (one for module, tree in trees.items() if module.split(".")[0] == package for one in tree.body):
            if isinstance(node, Function) and node.name == own:
                classes[name] = {CONSTRUCTOR: arguments(node)}
            elif isinstance(node, ast.ClassDef) and node.name == own:
                found = classes.setdefault(name, {})  # some names stand for more than one class of a package
                for method in (one for one in node.body if isinstance(one, Function)):
                    if method.name == CONSTRUCTOR or (name in WHOLE and not method.name.startswith("_")):
                        found[method.name] = [*found.get(method.name, []), *arguments(method)]
                above = [base.id for base in node.bases if isinstance(base, ast.Name)]
                qualified = {f"{at}.{base}" for at in PACKAGES for base in above}
                bases[name] = sorted({*bases.get(name, []), *qualified})
                wanted |= qualified - set(classes)
    bases = {name: [base for base in above if base in classes] for name, above in bases.items()}
    return Api(distribution=distribution, names=names, classes=classes, bases=bases)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--distribution", required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    found = read(asked.sources, asked.distribution)
    write_record(asked.out, found)
    names, classes = sum(map(len, found.names.values())), len(found.classes)
    print(f"{asked.out}: {names} names, {classes} classes of {asked.distribution}")


if __name__ == "__main__":
    main()
