"""Suites: named lists of scenario families, read from ``config/suites/*.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.files import read_yaml
from takead_ros.resources import resource, yaml_names
from takead_ros.scenarios import ALL_FAMILIES, FAMILIES, Scenario, build

NONE = "none"  # the perception that shows the truth


@dataclass(frozen=True)
class Suite:
    """A named list of scenario families; with seeds it makes episodes. perception: what is perceived there, by name
    (``simulators.perception``)."""

    name: str
    description: str
    families: tuple[str, ...]
    perception: str = NONE

    def episodes(self, seeds: list[int]) -> list[Scenario]:
        """One scenario for each family and seed: all families of the first seed, then of the next."""
        return [build(family, seed) for seed in seeds for family in self.families]


def suite_names() -> list[str]:
    """The suites there are."""
    return yaml_names("config/suites")


def load_suite(name: str) -> Suite:
    """The suite ``name``, such as ``demo``; the name of a family is a suite of that family alone.

    Raises TakeadError that names the known suites and families, or what is wrong in the file.
    """
    if name in suite_names():
        return read_suite(resource("config/suites") / f"{name}.yaml")
    if name not in ALL_FAMILIES:
        expected = f"a suite ({', '.join(suite_names())}) or a scenario family ({', '.join(sorted(ALL_FAMILIES))})"
        raise unknown("suite", name, [*suite_names(), *ALL_FAMILIES], expected)
    return Suite(name, f"scenario family {name}", (name,))


def read_suite(path: Path) -> Suite:
    """The suite in a YAML file with ``description`` (text), ``families`` (list of names, or the word ``all`` for
    those of the suite ``core``) and, where it is not the truth that is perceived, ``perception`` (a setting's name)."""
    content = read_yaml(path, "a YAML file with description and families")
    families = content.get("families") if isinstance(content, dict) else None
    if families == "all":
        families = list(FAMILIES)
    if not isinstance(families, list) or not families:
        raise TakeadError(f"{path}: families is {families!r}, expected a list of scenario families or 'all'")
    unknown = [family for family in families if family not in ALL_FAMILIES]
    if unknown:
        raise TakeadError(f"{path}: unknown families {unknown}, expected some of {', '.join(sorted(ALL_FAMILIES))}")
    perception = content.get("perception", NONE)
    if not isinstance(perception, str) or not perception:
        raise TakeadError(f"{path}: perception is {perception!r}, expected the name of a setting, such as vehicle")
    return Suite(path.stem, str(content.get("description", "")), tuple(families), perception)


def perception_of(name: str) -> str:
    """The perception that the suite ``name`` asks for; of what is no suite, that of the truth."""
    return load_suite(name).perception if name in suite_names() else NONE
