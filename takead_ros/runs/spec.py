"""What is to be driven: a model on the episodes of a suite, checked before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from takead_ros import __version__
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import parse_seeds
from takead_ros.maps.towns import prepare_town
from takead_ros.nodes.configuration import load_configuration
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.policy.model import load_model
from takead_ros.policy.shipped import model_path
from takead_ros.runs.episode import EXPERT, EpisodeSpec, NodeParameters, Value
from takead_ros.runs.results import PASSES, PassName, RunSettings
from takead_ros.scenarios import build
from takead_ros.scenarios.suites import NONE, Suite, load_suite
from takead_ros.simulators import SIMULATOR, open_simulator
from takead_ros.simulators.perception import load_perception, perception_names

Record = Literal["clips", "all"]
RECORDS: tuple[Record, ...] = ("clips", "all")


@dataclass(frozen=True)
class RunSpec:
    """A model on the episodes of a suite: everything that decides the result.

    model: a path, or ``expert``. simulator: a key of ``simulators.SIMULATORS``; simulator_version: its full name.
    parameters: of the nodes, where they are not the defaults.
    """

    model: str
    model_sha256: str
    suite: Suite
    seeds: tuple[int, ...]
    simulator: str
    simulator_version: str
    parameters: NodeParameters

    @property
    def passes(self) -> tuple[PassName, ...]:
        """How it can be driven; the expert has nobody to take over from it."""
        return ("unassisted",) if self.model == EXPERT else PASSES

    def episodes(self, takeovers: bool, bags: Path | None = None, record: Record = "clips") -> list[EpisodeSpec]:
        """One for each seed and family, all families of the first seed first."""
        folder = str(bags.resolve()) if bags else None
        return [
            EpisodeSpec(
                self.suite.name, family, seed, self.model, takeovers, folder, record, self.simulator, self.parameters
            )
            for seed in self.seeds
            for family in self.suite.families
        ]

    def settings(self) -> RunSettings:
        """What must be the same for a run to be continued."""
        return RunSettings(
            model_sha256=self.model_sha256,
            suite=self.suite.name,
            families=self.suite.families,
            seeds=self.seeds,
            version=__version__,
            simulator=self.simulator_version,
            parameters={node: dict(values) for node, values in self.parameters.items()},
        )


def run_spec(
    model: str, suite: str, seeds: str, simulator: str = SIMULATOR, parameters: NodeParameters | None = None
) -> RunSpec:
    """Check a model, a suite, a seed range and a simulator. Raises TakeadError for the first that cannot be used.

    ``parameters`` are checked already (``read_parameters``). What the suite says of perception holds where they do not.
    """
    chosen, numbers = load_suite(suite), tuple(parse_seeds(seeds))
    given = parameters or {}
    if chosen.perception != NONE and not given.get(SimulatorNode.NAME, {}).get("perception"):
        given = with_perception(given, chosen.perception)
    opened = open_simulator(simulator)
    name = opened.name
    opened.close()
    for family in chosen.families:
        prepare_town(build(family, numbers[0]).roads)
    if model == EXPERT:
        return RunSpec(EXPERT, "", chosen, numbers, simulator, name, given)
    path = model_path(model).resolve()
    return RunSpec(str(path), load_model(path).sha256, chosen, numbers, simulator, name, given)


def record_of(text: str) -> Record:
    """``text`` as what is to be recorded. Raises TakeadError for another word."""
    for known in RECORDS:
        if text == known:
            return known
    raise TakeadError(f"--record '{text}': expected one of {', '.join(RECORDS)}")


def read_parameters(path: Path | None, perception: str | None = None) -> dict[str, dict[str, Value]]:
    """What the ROS parameter file ``path`` gives to the nodes of a run; nothing where there is none. ``perception``: of
    the simulator, by name or file, whatever the file says.

    Raises TakeadError that names what does not fit, also where rates do not fit together.
    """
    found = load_configuration(path) if path is not None else {}
    return found if perception is None else with_perception(found, perception)


def with_perception(parameters: NodeParameters, name: str) -> dict[str, dict[str, Value]]:
    """The parameters with the simulator's perception: a name, or a file (kept as its whole path).

    Raises TakeadError where it is neither.
    """
    load_perception(name)
    named = name == NONE or name in perception_names()
    node = SimulatorNode.NAME
    found = {each: dict(values) for each, values in parameters.items()}
    return {**found, node: {**found.get(node, {}), "perception": name if named else str(Path(name).resolve())}}
