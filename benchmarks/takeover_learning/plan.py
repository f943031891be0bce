"""What is compared, with every setting that decides it: one record, kept beside the results."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from pydantic.dataclasses import dataclass

from takead_ros.domain.errors import TakeadError
from takead_ros.runs.results import RECORD

CONTROLS = ("none", "reranked", "windows", "routes", "known")  # nobody is taken over for these
Kind = Literal["none", "reranked", "takeovers", "labelled", "dense", "windows", "routes", "known"]


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Arm:
    """One way to spend the expert's seconds; every arm is trained alike, from the same network.

    kind: takeovers (the seconds that the expert drove, and its silent labels from 5 s before until 2 s after),
    labelled (only the seconds that it drove), dense (takeovers, and its silent label of every other frame); windows (as
    many seconds of whole expert drives on the same routes, in stretches as long as a takeover, drawn by chance), routes
    (the same seconds as whole routes from the first on), known (as many seconds of further drives of the suite that the
    network was cloned from); none (the same steps on what it knows already); reranked (nothing is learned: the plans of
    the network are ranked by the rule score at run time).
    route_seeds: of how many of the plan's seeds the takeovers are. times: how many times the takeovers' seconds a
    control is given.
    after: a further round: the network of that arm and of the same training seed drives new routes, and what the expert
    does there is added to what that arm was given; trained from ``start`` again, in as many steps as a first round. A
    control's: it is given as many seconds as that arm cost.
    stages: names of stages, after imitation. longer: how many times the plan's epochs it is trained.
    """

    name: str
    kind: Kind
    route_seeds: int = 10
    times: float = 1.0
    after: str = ""
    stages: tuple[str, ...] = ()
    longer: int = 1


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Plan:
    """start: the clone of the suite ``known`` that every arm is trained from (``make baseline``). demonstrations:
    training:0 to demonstrations - 1 of each family are kept in every arm's mix (what ``start`` has learned from); the
    next ``more`` seeds are the control's. deploy: the suite of the takeovers, collection:0 to route_seeds - 1 of each
    family, with its ``perception``; of each further round ``round_seeds`` new ones. evaluate: selection
    seeds. seeds: of the training.
    """

    start: str = "baseline"
    known: str = "known"
    deploy: str = "deploy"
    perception: str = "vehicle"
    demonstrations: int = 16
    more: int = 2
    route_seeds: int = 10
    round_seeds: int = 5
    epochs: int = 10
    draws: int = 12_000
    rate: float = 5e-4
    seeds: tuple[int, ...] = (0, 1, 2)
    simulator: str = "vector"
    evaluate: str = "selection:0-19"
    arms: tuple[Arm, ...] = field(
        default_factory=lambda: (
            Arm(name="none", kind="none"),
            Arm(name="reranked", kind="reranked"),
            Arm(name="takeovers", kind="takeovers"),
            Arm(name="round-2", kind="takeovers", after="takeovers"),
            Arm(name="round-3", kind="takeovers", after="round-2"),
            Arm(name="round-4", kind="takeovers", after="round-3"),
            Arm(name="labelled", kind="labelled"),
            Arm(name="dense", kind="dense"),
            Arm(name="windows", kind="windows"),
            Arm(name="windows-2", kind="windows", after="round-2"),
            Arm(name="none-x4", kind="none", longer=4),
            Arm(name="round-2-x4", kind="takeovers", after="takeovers", longer=4),
            Arm(name="round-3-x4", kind="takeovers", after="round-2", longer=4),
            Arm(name="round-4-x4", kind="takeovers", after="round-3-x4", longer=4),
            Arm(name="windows-2-x4", kind="windows", after="round-2", longer=4),
            Arm(name="windows-3-x4", kind="windows", after="round-3-x4", longer=4),
            Arm(name="distil-3-x4", kind="takeovers", after="round-2", stages=("distil",), longer=4),
            Arm(name="preference-3-x4", kind="takeovers", after="round-2", stages=("preference",), longer=4),
            Arm(name="routes", kind="routes"),
            Arm(name="known", kind="known"),
            Arm(name="windows-x3", kind="windows", times=3.0),
            Arm(name="windows-all", kind="windows", times=1e6),
            Arm(name="takeovers-2", kind="takeovers", route_seeds=2),
            Arm(name="takeovers-5", kind="takeovers", route_seeds=5),
        )
    )

    def arm(self, name: str) -> Arm:
        """Raises TakeadError where there is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise TakeadError(f"arm '{name}': unknown, expected one of {', '.join(arm.name for arm in self.arms)}")

    def rounds(self, arm: Arm) -> tuple[Arm, ...]:
        """The arms in which the routes were driven whose lessons ``arm`` has, from the first round on."""
        before = self.rounds(self.arm(arm.after)) if arm.after else ()
        return before if before and arm.kind in CONTROLS else (*before, arm)

    def routes(self, round: int) -> tuple[int, int]:
        """First and last collection seed of a round; 0 is the first."""
        if round == 0:
            return 0, self.route_seeds - 1
        first = self.route_seeds + (round - 1) * self.round_seeds
        return first, first + self.round_seeds - 1
