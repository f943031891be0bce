"""What ``drive``, ``eval`` and ``demo`` share: checked inputs, episodes to drive, summaries in the agreed JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from takead_ros import __version__
from takead_ros.runs.episode import EXPERT, EpisodeSpec, simulator
from takead_ros.domain.seeds import parse_seeds
from takead_ros.policy.model import load_model
from takead_ros.measures.driving_score import EpisodeResult, aggregate, compare
from takead_ros.scenarios import build
from takead_ros.scenarios.suites import Suite, load_suite
from takead_ros.maps.towns import prepare

# JSON key, title, how it is written, and whether more is better (0: neither)
HEADLINES: tuple[tuple[str, str, str, int], ...] = (
    ("driving_score", "Driving Score (0-100)", "{:.1f}", 1),
    ("success_rate", "Success Rate", "{:.1%}", 1),
    ("route_completion", "Route completion", "{:.1%}", 1),
    ("takeovers_per_km", "Takeovers per km", "{:.2f}", -1),
    ("expert_share", "Expert-driven share", "{:.1%}", -1),
)
FEWEST = 10  # episodes below which no difference is called settled
ASSISTED_KEYS = ("takeovers", "takeovers_per_km", "expert_share", "triggers", "clips")


@dataclass(frozen=True)
class Job:
    """A model on the episodes of a suite: everything that decides the result."""

    model: str
    model_sha256: str
    suite: Suite
    seeds: tuple[int, ...]

    def specs(self, takeovers: bool, bags: Path | None = None, record: Any = "clips") -> list[EpisodeSpec]:
        """One episode for each seed and family, all families of the first seed first."""
        return [
            EpisodeSpec(
                self.suite.name, family, seed, self.model, takeovers, str(bags.resolve()) if bags else None, record
            )
            for seed in self.seeds
            for family in self.suite.families
        ]

    def settings(self) -> dict[str, Any]:
        """What must be the same for a run to be continued."""
        return {
            "model_sha256": self.model_sha256,
            "suite": self.suite.name,
            "families": list(self.suite.families),
            "seeds": list(self.seeds),
            "version": __version__,
            "simulator": simulator(),
        }


def job(model: str, suite: str, seeds: str) -> Job:
    """Check a model, a suite and a seed range. Raises TakeadError for the first that cannot be used."""
    chosen, numbers = load_suite(suite), tuple(parse_seeds(seeds))
    for family in chosen.families:
        prepare(build(family, numbers[0]).roads)
    if model == EXPERT:
        return Job(EXPERT, "", chosen, numbers)
    path = Path(model).expanduser().resolve()
    return Job(str(path), load_model(path).sha256, chosen, numbers)


def summary(job: Job, passes: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """The JSON of ``eval`` and ``drive``.

    ``passes``: results by pass name (``unassisted``, ``assisted``) in the same order of episodes. Scores come from the
    unassisted pass where there is one, takeovers and the expert's share from the assisted one.
    """
    means = {
        name: aggregate([EpisodeResult.from_dict(result) for result in results]) for name, results in passes.items()
    }
    scored = "unassisted" if "unassisted" in passes else "assisted"
    taken = "assisted" if "assisted" in passes else scored
    episodes = [
        {**alone, **{key: assisted[key] for key in ASSISTED_KEYS}, "assisted": dict(assisted)}
        for alone, assisted in zip(passes[scored], passes[taken], strict=True)
    ]
    return {
        **means[scored],
        "takeovers_per_km": means[taken]["takeovers_per_km"],
        "expert_share": means[taken]["expert_share"],
        **_verdicts(passes[scored]),
        "triggers": dict(Counter(name for result in passes[taken] for name in result["triggers"])),
        "episodes": episodes,
        "passes": means,
        "model": EXPERT if job.model == EXPERT else Path(job.model).name,
        "path": job.model,
        **job.settings(),
    }


def _verdicts(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``metadrive``: means of what the simulator itself says of its own benchmark's episodes, where there are any."""
    found = [result["metadrive"] for result in results if "metadrive" in result]
    if not found:
        return {}
    return {"metadrive": {key: sum(one[key] for one in found) / len(found) for key in found[0]}}


def summary_table(content: Mapping[str, Any]) -> Table:
    """The headline figures of one ``summary``, then each scenario's."""
    table = Table(title=f"{content['model']} on suite {content['suite']}, {content['episode_count']} episodes",
                  title_justify="left")  # fmt: skip
    table.add_column("scenario", no_wrap=True)
    for title in ("Score", "Success", "Route", "Takeovers/km", "Expert", "Episodes"):
        table.add_column(title, justify="right")
    for name, group in content["scenarios"].items():
        chosen = [e for e in content["episodes"] if e["scenario"] == name]
        kilometres = sum(e["assisted"]["distance"] for e in chosen) / 1000.0
        table.add_row(
            name,
            f"{group['driving_score']:.1f}",
            f"{group['success_rate']:.0%}",
            f"{sum(e['route_completion'] for e in chosen) / len(chosen):.1%}",
            f"{sum(e['takeovers'] for e in chosen) / max(kilometres, 1e-3):.2f}",
            f"{sum(e['expert_share'] for e in chosen) / len(chosen):.1%}",
            str(len(chosen)),
        )
    table.add_section()
    figures = [format_.format(content[key]) for key, _, format_, _ in HEADLINES]
    table.add_row("all", *figures, str(content["episode_count"]), style="bold")
    if "metadrive" in content:
        own = content["metadrive"]
        table.caption_justify = "left"
        table.caption = (
            f"MetaDrive's own measures: success {own['success']:.2f}, episodic cost {own['cost']:.2f}, "
            f"route completion {own['route_completion']:.2f}"
        )
    return table


def comparison(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Two ``summary`` of the same episodes as pairs: each headline's means, paired difference and 95 % interval.

    Raises TakeadError where the episodes are not the same.
    """

    def results(content: Mapping[str, Any], assisted: bool) -> list[EpisodeResult]:
        return [EpisodeResult.from_dict(e["assisted"] if assisted else e) for e in content["episodes"]]

    alone = compare(
        results(before, False), results(after, False), metrics=("driving_score", "success_rate", "route_completion")
    )
    assisted = compare(results(before, True), results(after, True), metrics=("takeovers_per_km", "expert_share"))
    return {
        "differences": {name: asdict(found) for name, found in {**alone, **assisted}.items()},
        "suite": before["suite"],
        "seeds": before["seeds"],
        "episode_count": before["episode_count"],
        "before": {"model": before["model"], "model_sha256": before["model_sha256"]},
        "after": {"model": after["model"], "model_sha256": after["model_sha256"]},
        "version": __version__,
        "simulator": before["simulator"],
    }


def judgement(key: str, found: Mapping[str, Any]) -> str:
    """``better``, ``worse`` or ``open`` of one of ``comparison``'s differences: whether its interval lies on one side
    of zero. A bootstrap over a handful of episodes settles nothing, so that it is open there."""
    sense = next(sense for name, _, _, sense in HEADLINES if name == key)
    if found["low"] <= 0.0 <= found["high"] or found["higher"] + found["equal"] + found["lower"] < FEWEST:
        return "open"
    return "better" if (found["low"] > 0.0) == (sense > 0) else "worse"


def signed(written: str, value: float) -> str:
    """A difference in the unit of its headline; shares in percentage points."""
    return f"{100.0 * value:+.1f} pp" if "%" in written else written.replace("{:", "{:+").format(value)


def comparison_table(content: Mapping[str, Any]) -> Table:
    """Old against new for people: means, paired difference, its 95 % interval."""
    table = Table(
        title=f"{content['episode_count']} held-out episodes, the same for both (suite {content['suite']})",
        title_justify="left",
    )
    table.add_column("")
    for title in ("before", "after", "difference", "95 % interval"):
        table.add_column(title, justify="right")
    colours = {"better": "green", "worse": "red", "open": "yellow"}
    for key, title, written, _ in HEADLINES:
        found = content["differences"][key]
        colour = colours[judgement(key, found)]
        table.add_row(
            title,
            written.format(found["old"]),
            written.format(found["new"]),
            f"[{colour}]{signed(written, found['difference'])}[/{colour}]",
            f"{signed(written, found['low'])} .. {signed(written, found['high'])}",
        )
    return table
