"""Running a policy: an ONNX model with its manifest, from an observation to what it would do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from numpy.typing import NDArray

from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import EgoState, FloatArray, Scene
from takead_ros.files import read_file
from takead_ros.policy.bundle import MODEL, SUFFIX, Bundle, open_bundle
from takead_ros.policy.encoding import LineCache
from takead_ros.policy.format import Encoded, Observation, PolicyFormat
from takead_ros.policy.formats import format_of
from takead_ros.policy.kernels.decode import BEYOND_LOCK, MAX_ACCELERATION, MAX_SPEED
from takead_ros.policy.manifest import Manifest, manifest_path, parse_manifest
from takead_ros.policy.onnx_session import check_shapes, open_session
from takead_ros.policy.route_frame import NotFiniteError
from takead_ros.policy.signing import fingerprint
from takead_ros.policy.vocabulary import anchors_sha256

EXPECTED = f"an ONNX file with its manifest, or a bundle (*{SUFFIX})"
PROBES = 8  # made-up observations that every model must answer with finite numbers before it is used


class Policy:
    """A loaded model. ``sha256`` identifies it; ``manifest`` describes it; ``format`` says what it is told and answers;
    ``provider`` is what really runs it; ``seal`` is what its bundle says, None where it came as a bare ONNX file;
    ``parameters``: the ROS parameter file in its bundle, if any."""

    def __init__(
        self, session: Any, manifest: Manifest, format: PolicyFormat, provider: str, path: Path, bundle: Bundle | None
    ) -> None:
        self.manifest, self.format, self.provider, self.path = manifest, format, provider, path
        self.seal = None if bundle is None else bundle.seal
        self.parameters = None if bundle is None else bundle.parameters
        self.sha256 = manifest.sha256
        self._session = session
        self._lines = LineCache()
        self._answers = tuple(name for name in format.outputs if name not in format.constants)

    def run(self, encoded: Encoded) -> dict[str, FloatArray]:
        """The network's raw outputs for one encoded observation, as the format's ``outputs``, without a batch axis."""
        out = self.run_batch({name: encoded[name][None] for name in self.format.inputs})
        return {name: values if name in self.format.constants else values[0] for name, values in out.items()}

    def run_batch(self, encoded: Encoded) -> dict[str, FloatArray]:
        """The network's raw outputs (B, ...) for a batch of encoded observations (B, ...); constants have no batch
        axis."""
        return self._run(encoded, tuple(self.format.outputs))

    def _run(self, encoded: Encoded, outputs: Sequence[str]) -> dict[str, FloatArray]:
        return {n: np.asarray(v, dtype=float) for n, v in zip(outputs, self.ask(encoded, outputs), strict=True)}

    def ask(self, encoded: Encoded, outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """Some of the network's raw outputs as it gives them, for a batch of encoded observations (B, ...)."""
        return list(self._session.run(list(outputs), {name: encoded[name] for name in self.format.inputs}))

    def infer(self, scene: Scene, others: Mapping[str, object] | None = None) -> DriverOutput:
        """What the policy would do at ``scene``; ``others``: the newest message of each further topic that its format
        needs. Never raises for a bad observation or a bad output: the status says why."""
        return self.infer_batch([Observation(scene, others or {}, self._lines)])[0]

    def infer_batch(self, observations: Sequence[Observation]) -> list[DriverOutput]:
        """What the policy would do at each of ``observations``, asked in one call of the network."""
        answers: list[DriverOutput | None] = []
        encoded: list[Encoded] = []
        for observation in observations:
            failed = None
            try:
                encoded.append(self.format.encode(observation))
            except NotFiniteError as error:
                failed = self._failed(observation.scene, DriverStatus.NOT_FINITE, str(error))
            except ValueError as error:
                failed = self._failed(observation.scene, DriverStatus.ERROR, str(error))
            answers.append(failed)
        asked = [i for i, answer in enumerate(answers) if answer is None]
        if asked:
            out = self._run(_stacked(encoded, self.format), self._answers)
            for row, i in enumerate(asked):
                answers[i] = self._answer({name: values[row] for name, values in out.items()}, observations[i])
        return [answer for answer in answers if answer is not None]

    def _answer(self, out: Mapping[str, FloatArray], observation: Observation) -> DriverOutput:
        """What the network's outputs for one observation mean."""
        scene = observation.scene
        if not all(np.isfinite(values).all() for values in out.values()):
            return self._failed(scene, DriverStatus.NOT_FINITE, "the network's output is not finite")
        answer = self.format.decode(out, observation, self.manifest)
        fault = _out_of_range(answer, scene.ego)
        if fault:
            return self._failed(scene, DriverStatus.OUT_OF_RANGE, fault)
        return replace(answer, model_sha256=self.sha256)

    def _failed(self, scene: Scene, status: DriverStatus, text: str) -> DriverOutput:
        return DriverOutput.failed(scene.stamp, "policy", status, text, self.sha256)


def _stacked(encoded: Sequence[Encoded], format: PolicyFormat) -> Encoded:
    """Encoded observations as one batch; a single one is not copied."""
    if len(encoded) == 1:
        return {name: encoded[0][name][None] for name in format.inputs}
    return {name: np.stack([one[name] for one in encoded]) for name in format.inputs}


def _out_of_range(answer: DriverOutput, ego: EgoState) -> str:
    """What is impossible about an answer, in words; empty when nothing is."""
    plan, steering, acceleration = answer.plan, answer.steering_angle, answer.acceleration
    speeds = plan.speed.tolist()
    poses = (*plan.x.tolist(), *plan.y.tolist(), *plan.yaw.tolist())
    if not all(map(math.isfinite, (*poses, *speeds, steering, acceleration))):
        return "the derived plan or command is not finite"
    if max(speeds) > MAX_SPEED:
        return f"planned speed {max(speeds):.1f} m/s is above {MAX_SPEED} m/s"
    if abs(steering) > ego.max_steering_angle + BEYOND_LOCK:
        return f"steering angle {steering:.3f} rad is beyond full lock {ego.max_steering_angle:.3f} rad"
    if abs(acceleration) > MAX_ACCELERATION:
        return f"acceleration {acceleration:.1f} m/s^2 is beyond {MAX_ACCELERATION} m/s^2"
    return ""


def load_model(path: str | Path, provider: str = "cpu", key: Ed25519PublicKey | None = None) -> Policy:
    """The policy in ONNX file or bundle (``policy.bundle``) ``path``, running on ``provider`` (a key of PROVIDERS) and
    on nothing else. key: only a bundle that it signed is loaded.

    Raises TakeadError where the file is missing, cut short, foreign or not whole, where its manifest is missing, edited
    or does not match the model, the copy beside it or this software's formats, where the network answers with something
    that is not finite, where the provider is not what really runs, or where the bundle or its signature is not sound.
    """
    return open_model(read_file(Path(path), EXPECTED), Path(path), provider, key)


def open_model(data: bytes, path: Path, provider: str = "cpu", key: Ed25519PublicKey | None = None) -> Policy:
    """``load_model`` of a file's bytes, for who goes on with the very bytes that were checked: the file itself may be
    another one by then. The manifest beside a bare ONNX file is read from there."""
    if not is_bundle(path):
        if key is not None:
            raise TakeadError(
                f"{path}: a bare ONNX file has no signature; expected a bundle (*{SUFFIX}) signed by "
                f"key {fingerprint(key)[:12]}"
            )
        beside = manifest_path(path)
        return _policy(data, path, provider, read_file(beside, "a manifest in JSON") if beside.exists() else None)
    bundle = open_bundle(data, str(path), key)
    policy = _policy(bundle.model, path / MODEL, provider, bundle.manifest, bundle)
    told = bundle.contents
    if (told.model_sha256, told.name) != (policy.sha256, policy.manifest.name):
        raise TakeadError(
            f"{path}: names model '{told.name}' {told.model_sha256[:12]}, "
            f"holds '{policy.manifest.name}' {policy.sha256[:12]}: they do not belong together"
        )
    return policy


def is_bundle(path: Path) -> bool:
    """Whether a file is meant as a bundle: by its name, so that a broken one is called a broken bundle."""
    return path.name.endswith(SUFFIX)


def onnx_bytes(path: Path) -> bytes:
    """The ONNX model in a file or bundle. Raises TakeadError where it cannot be read."""
    return onnx_of(read_file(path, EXPECTED), path)


def onnx_of(data: bytes, path: Path) -> bytes:
    """``onnx_bytes`` of a file's bytes."""
    return open_bundle(data, str(path)).model if is_bundle(path) else data


def _policy(data: bytes, path: Path, provider: str, beside: bytes | None, bundle: Bundle | None = None) -> Policy:
    """The policy in ONNX model ``data``, which messages call ``path``; beside: the copy of its manifest."""
    session, manifest = open_session(data, path, provider, beside, parse_manifest)
    format = format_of(manifest.encoding, str(path))
    _check_interface(session, manifest, format, path)
    policy = Policy(session, manifest, format, provider, path, bundle)
    anchors = _probe(policy)["anchors"]
    if anchors_sha256(anchors) != manifest.anchors_sha256:
        raise TakeadError(
            f"{path}: anchors {anchors_sha256(anchors)[:12]} in the model, "
            f"{manifest.anchors_sha256[:12]} in its manifest: they do not belong together"
        )
    return policy


def _probe(policy: Policy) -> dict[str, FloatArray]:
    """What the network says to a batch of PROBES made-up observations: nothing in it, ones, noise.

    Raises TakeadError where it cannot answer, or where an answer is not of its declared shape or not finite.
    """
    batch = policy.format.empty(PROBES)
    random = np.random.default_rng(0)
    for name, values in batch.items():
        values[1] = 1.0
        noise = random.normal(size=values[2:].shape).astype(np.float32)
        values[2:] = noise > 0.0 if name.endswith("mask") else noise
    try:
        out = policy.run_batch(batch)
    except Exception as error:
        raise TakeadError(
            f"{policy.path}: cannot answer {PROBES} observations at once ({str(error).splitlines()[0]}); "
            "expected a graph with a free batch axis"
        ) from error
    for name, answer in out.items():
        shape = policy.manifest.outputs[name].shape
        whole = shape if name in policy.format.constants else (PROBES, *shape)
        if answer.shape != whole:
            raise TakeadError(f"{policy.path}: output '{name}' has shape {answer.shape}; its manifest says {whole}")
        if not np.isfinite(answer).all():
            raise TakeadError(f"{policy.path}: output '{name}' is not finite; the network is broken")
    return out


def _check_interface(session: Any, manifest: Manifest, format: PolicyFormat, path: Path) -> None:
    """Refuse a model made for another format, or whose tensors are not those that its manifest names."""
    if difference := format.difference(manifest):
        raise TakeadError(f"{path}: {difference}")
    for what, theirs, mine in (
        ("plan steps", manifest.plan_steps, PLAN_STEPS),
        ("plan dt", manifest.plan_dt, PLAN_DT),
    ):
        if theirs != mine:
            raise TakeadError(f"{path}: made for {what} {theirs}; this software has {mine}")
    check_shapes(session, manifest, path)
