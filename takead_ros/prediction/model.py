"""Running a prediction model of road users: an ONNX file with its manifest, loaded and verified as a policy is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.files import read_file
from takead_ros.policy.manifest import ModelManifest, Tensor, manifest_path, parse_as
from takead_ros.policy.onnx_session import check_shapes, open_session
from takead_ros.prediction import features, motion
from takead_ros.prediction.features import SHAPES, STEP_S, STEPS

FORMAT = "takead-road-users-1"
ENCODING = "surroundings-1"  # what is told, and what the answers mean
WAYS = ("controls", "logits")
NORMALISATION = {"length_m": features.LENGTH, "speed_m_s": features.SPEED}
PROBES = 8  # made-up road users that every model must answer with finite numbers before it is used

INPUTS = {
    "own": "its speed, turn and gain, its size and kind",
    "past": "its poses every 0.2 s back to 1 s before, and which are known",
    "lanes": "the nearest pieces of lane centres: begin, middle, end, half width",
    "lanes_mask": "1 where a row holds a piece",
    "neighbours": "the nearest others but the ego: place, heading, velocity, size, kind",
    "neighbours_mask": "1 where a row holds one",
    "signals": "lights and signs on the ego's route: the line's place and heading, the state",
    "signals_mask": "1 where a row holds one",
    "ego": "the ego from 1 s before to 4 s ahead, as it plans: place, heading, speed, time, whether there is a plan",
    "ego_size": "the ego's length and width",
}


class PredictionManifest(ModelManifest):
    """What a model of road users says about itself. A prediction is ``steps`` controls, each held for ``step_s`` s."""

    format: str = FORMAT
    steps: int
    step_s: float


def inputs() -> dict[str, Tensor]:
    """The inputs as a manifest names them; all as seen from the road user itself."""
    return {name: Tensor(shape=shape, description=INPUTS[name]) for name, shape in SHAPES.items()}


def outputs(ways: int) -> dict[str, Tensor]:
    """The outputs of a model that tells so many ways."""
    return {
        "controls": Tensor(
            shape=(ways, STEPS, 2),
            description="ways on: acceleration m/s^2 and curvature 1/m (on foot: turn rad/s), each held for a step",
        ),
        "logits": Tensor(shape=(ways,), description="softmax of these is how likely each way is"),
    }


class RoadUserModel:
    """A loaded model. ``sha256`` identifies it; ``manifest`` describes it; ``provider`` is what really runs it."""

    def __init__(self, session: Any, manifest: PredictionManifest, path: Path, provider: str) -> None:
        self.manifest, self.path, self.provider, self.sha256 = manifest, path, provider, manifest.sha256
        self._session = session

    def run(self, told: Mapping[str, NDArray[np.float32]]) -> dict[str, FloatArray]:
        """The raw outputs (R, ...) for the features of R road users."""
        out = self._session.run(list(WAYS), {name: told[name] for name in SHAPES})
        return {name: np.asarray(values, dtype=float) for name, values in zip(WAYS, out, strict=True)}

    def predict(self, told: Mapping[str, NDArray[np.float32]]) -> FloatArray:
        """The controls (R, T, 2) of the likeliest way of each of R road users, see ``prediction.motion``.

        Raises TakeadError where an answer is not finite.
        """
        out = self.run(told)
        if not all(np.isfinite(values).all() for values in out.values()):
            raise TakeadError(f"{self.path}: a prediction is not finite; the network or what it is told is broken")
        controls, best = out["controls"], out["logits"].argmax(1)
        return np.asarray(controls[np.arange(len(best)), best])


def load_road_user_model(path: str | Path, provider: str = "cpu") -> RoadUserModel:
    """The model of road users in ONNX file ``path``.

    Raises TakeadError where the file is missing, cut short, foreign, a policy, edited, or of another format, or where
    it answers with something that is not finite.
    """
    path = Path(path)
    data = read_file(path, "an ONNX model of road users with its manifest")
    beside = manifest_path(path)
    copy = read_file(beside, "a manifest in JSON") if beside.exists() else None
    session, manifest = open_session(data, path, provider, copy, partial(parse_as, PredictionManifest, FORMAT))
    if difference := _difference(manifest):
        raise TakeadError(f"{path}: {difference}")
    check_shapes(session, manifest, path)
    model = RoadUserModel(session, manifest, path, provider)
    _probe(model)
    return model


def _difference(manifest: PredictionManifest) -> str:
    """In which point a model is made for something else, in words; empty where it is not."""
    shapes = {name: tensor.shape for name, tensor in manifest.inputs.items()}
    ways = manifest.outputs["logits"].shape[0] if "logits" in manifest.outputs else 0
    for what, theirs, mine in (
        ("encoding", manifest.encoding, ENCODING),
        ("steps", manifest.steps, STEPS),
        ("step_s", manifest.step_s, STEP_S),
        ("normalisation", manifest.normalisation, NORMALISATION),
        ("input shapes", shapes, SHAPES),
        ("outputs", {n: t.shape for n, t in manifest.outputs.items()}, {n: t.shape for n, t in outputs(ways).items()}),
    ):
        if theirs != mine:
            return f"made for {what} {theirs}; this software has {mine}"
    return ""


def _probe(model: RoadUserModel) -> None:
    random = np.random.default_rng(0)
    told = {name: np.zeros((PROBES, *shape), np.float32) for name, shape in SHAPES.items()}
    for name, values in told.items():
        values[1] = 1.0
        noise = random.normal(size=values[2:].shape)
        values[2:] = noise > 0.0 if name.endswith("mask") else noise
    try:
        out = model.run(told)
    except Exception as error:
        raise TakeadError(
            f"{model.path}: cannot answer {PROBES} road users at once ({str(error).splitlines()[0]}); expected a graph "
            "with a free batch axis"
        ) from error
    for name, answer in out.items():
        whole = (PROBES, *model.manifest.outputs[name].shape)
        if answer.shape != whole:
            raise TakeadError(f"{model.path}: output '{name}' has shape {answer.shape}; its manifest says {whole}")
        if not np.isfinite(answer).all():
            raise TakeadError(f"{model.path}: output '{name}' is not finite; the network is broken")
    bound = np.maximum(motion.BRAKES_MPS2, motion.GAINS_MPS2)
    if np.abs(out["controls"][..., 0]).max() > bound + 1e-3:
        raise TakeadError(f"{model.path}: accelerations beyond {bound} m/s^2; expected what a body can do")
