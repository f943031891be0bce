"""What a training can be asked for, as plain values.

They are apart from what is done with them, so that the command line knows its options without torch, which takes
seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from takead_ros.domain.errors import TakeadError

Rule = Literal["recorded", "reacting-2s", "reacting-4s"]  # what scores anchors, see data.scores
RULES: tuple[Rule, ...] = get_args(Rule)
DEFAULT_ARCHITECTURE = "scene-transformer-2"
BUCKETS = ("demonstration", "whole", "pre", "takeover", "post", "relabelled")
MOST_DRAWS = 100_000_000  # of an epoch: their rows are in memory
_SHARES = {"demonstration": 0.45, "whole": 0.55, "pre": 0.25, "takeover": 0.2, "post": 0.1, "relabelled": 0.2}


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: epochs, batch size, peak learning rate, weight decay, seed and threads."""

    epochs: int = 20
    batch: int = 256
    rate: float = 1e-3
    decay: float = 1e-4
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "rate", "threads"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise TakeadError(f"--{name} {value}: expected a value above 0")


@dataclass(frozen=True)
class Imitation:
    """speed_target: the speed head learns both bins around the expert's speed (two_hot) or the nearest one (nearest).

    speed_dropout: share of the samples in which the ego's own speed is hidden from the network, so that it cannot
    learn to go on as it goes (METHODS: PlanT 2). weight: of this term; TakeAD's ablation leaves it out of a preference.
    forecast: weight of an auxiliary task, to say where each object goes (PlanT); 0: there is none.
    """

    speed_target: Literal["two_hot", "nearest"] = "two_hot"
    speed_dropout: float = 0.0
    weight: float = 1.0
    forecast: float = 0.0

    def __post_init__(self) -> None:
        if self.speed_target not in ("two_hot", "nearest"):
            raise TakeadError(f"--speed-target '{self.speed_target}': expected two_hot or nearest")
        if not 0.0 <= self.speed_dropout < 1.0:
            raise TakeadError(f"--speed-dropout {self.speed_dropout}: expected 0 up to below 1")
        if not 0.0 <= self.weight < math.inf:
            raise TakeadError(f"--imitation-weight {self.weight}: expected 0 or above")
        if not 0.0 <= self.forecast < math.inf:
            raise TakeadError(f"--forecast-weight {self.forecast}: expected 0 or above")


@dataclass(frozen=True)
class Clean:
    """thin_standing: of L standstill frames in a row keep ceil(sqrt(L)). change_weight: how many times as often a frame
    is drawn at which the expert's speed or path changes. Both: METHODS, data curation."""

    thin_standing: bool = False
    change_weight: float = 1.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.change_weight <= 100.0:
            raise TakeadError(f"--change-weight {self.change_weight}: expected 1 to 100")


@dataclass(frozen=True)
class Mix:
    """Share of each bucket among the samples drawn, and how many are drawn in an epoch.

    demonstration: a whole drive of the expert, of those kept from before. whole: one among the round's own clips, so
    that whole drives can be had in the place of takeovers. pre, post: the policy drives, up to 5 s before or 2 s after
    a takeover. takeover: the expert or a person drives. relabelled: the policy drives, and nothing happens nearby;
    there are such frames only where whole drives are recorded. ``followable``: leave out labels that no vehicle could
    follow.
    """

    shares: Mapping[str, float] = field(default_factory=lambda: dict(_SHARES))
    draws: int = 12_000
    followable: bool = True

    def __post_init__(self) -> None:
        unknown = set(self.shares) - set(BUCKETS)
        values = list(self.shares.values())
        if unknown or not all(0.0 <= value <= 1e6 for value in values) or not sum(values) > 0.0:
            raise TakeadError(
                f"bucket shares {dict(self.shares)}: expected 0 to 1e6 of {', '.join(BUCKETS)}, not all 0"
            )
        if not 0 < self.draws <= MOST_DRAWS:
            raise TakeadError(f"--draws {self.draws}: expected 1 to {MOST_DRAWS}")


@dataclass(frozen=True)
class Aggregation:
    """What is drawn and how it is trained."""

    mix: Mix = field(default_factory=Mix)
    schedule: Schedule = field(default_factory=lambda: Schedule(epochs=16, rate=5e-4))
    imitation: Imitation = field(default_factory=Imitation)


def _check_rule(rule: str) -> None:
    if rule not in RULES:
        raise TakeadError(f"--rule '{rule}': expected one of {', '.join(RULES)}")


def _check_sizes(settings: object, written: str, above_0: Sequence[str], not_below: Sequence[str]) -> None:
    for name in (*above_0, *not_below):
        value = getattr(settings, name)
        if not 0.0 <= value < math.inf or (value == 0.0 and name in above_0):
            raise TakeadError(
                f"{written}{name} {value}: expected {'a value above 0' if name in above_0 else '0 or above'}"
            )


@dataclass(frozen=True)
class Distil:
    """target: scores, softmax(similarity_weight log similarity + score_weight log score) over all anchors; or optimum,
    the exact KL-regularised optimum pi_ref exp(utility / beta) / Z, with pi_ref the policy as it was before.

    ``floor``: score of the best infeasible anchor. ``weight`` multiplies the distillation. ``frames``: at most so many
    are scored, drawn by the mix; ``rule``: by what.
    """

    target: Literal["scores", "optimum"] = "scores"
    similarity_weight: float = 1.0
    score_weight: float = 1.0
    floor: float = 0.01
    beta: float = 0.3
    weight: float = 1.0
    frames: int = 4000
    rule: Rule = "recorded"
    mix: Mix = field(default_factory=Mix)
    schedule: Schedule = field(default_factory=lambda: Schedule(epochs=4, rate=2e-4))
    imitation: Imitation = field(default_factory=Imitation)

    def __post_init__(self) -> None:
        if self.target not in ("scores", "optimum"):
            raise TakeadError(f"--target '{self.target}': expected scores or optimum")
        _check_rule(self.rule)
        _check_sizes(
            self, "distil ", above_0=("beta", "weight", "frames"), not_below=("similarity_weight", "score_weight")
        )
        if not 0.0 < self.floor < 1.0:
            raise TakeadError(f"distil floor {self.floor}: expected a value between 0 and 1")


@dataclass(frozen=True)
class Preference:
    """loss: dpo (with a frozen reference) or simpo. rejected: own (the policy's top choice, where the expert's rule
    score is better by ``margin``) or near_miss (the infeasible anchor nearest to the expert's plan, where the expert's
    own anchor is feasible, both by ``rule``).

    ``weight`` multiplies the preference loss. ``share``: of the samples drawn that carry a pair. ``may_fall`` nats: the
    epoch after which the chosen side's mean log-probability lies lower than the reference's by more than this is undone
    and is the last: preference then only pushes the rejected side down further. Below 0 it has to rise.
    """

    loss: Literal["dpo", "simpo"] = "dpo"
    rejected: Literal["own", "near_miss"] = "own"
    beta: float = 0.1
    gamma: float = 0.1
    weight: float = 2.0
    margin: float = 0.02
    share: float = 0.3
    may_fall: float = 0.5
    rule: Rule = "recorded"
    mix: Mix = field(default_factory=Mix)
    schedule: Schedule = field(default_factory=lambda: Schedule(epochs=2, rate=1e-4))
    imitation: Imitation = field(default_factory=Imitation)

    def __post_init__(self) -> None:
        if self.loss not in ("dpo", "simpo"):
            raise TakeadError(f"--loss '{self.loss}': expected dpo or simpo")
        if self.rejected not in ("own", "near_miss"):
            raise TakeadError(f"--rejected '{self.rejected}': expected own or near_miss")
        _check_rule(self.rule)
        _check_sizes(self, "--", ("beta", "weight"), ("gamma", "margin"))
        if not math.isfinite(self.may_fall):
            raise TakeadError(f"preference may_fall {self.may_fall}: expected a finite number of nats")
        if not 0.0 < self.share < 1.0:
            raise TakeadError(f"preference share {self.share}: expected a value between 0 and 1")


@dataclass(frozen=True)
class Prediction:
    """The network to make, and how it is trained."""

    schedule: Schedule = field(default_factory=lambda: Schedule(epochs=12))
    width: int = 64
    modes: int = 4
