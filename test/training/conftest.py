from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

from takead_ros.domain.seeds import parse_seeds
from takead_ros.resources import resource
from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec


@pytest.fixture(scope="session")
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One episode of the policy with the expert in its shadow, one of the expert alone; both recorded whole."""
    folder = tmp_path_factory.mktemp("bags")
    runner = EpisodeRunner()
    model = str(resource("models/novice.onnx"))
    for name, driver, seed in (("driven", model, "collection:0"), ("shown", "expert", "training:0")):
        spec = EpisodeSpec("demo", "cut_in", parse_seeds(seed)[0], driver, True, str(folder / name), "all")
        runner.run(spec)
    runner.close()
    return folder
