"""Running a policy: an ONNX model with its manifest, from a scene to what it would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, DriverOutput, DriverStatus, Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import EgoState, FloatArray, Scene
from takead_ros.policy import encoding
from takead_ros.policy.encoding import LineCache, encode
from takead_ros.policy.manifest import KEY, Manifest, manifest_path, model_sha256, parse_manifest
from takead_ros.policy.route_frame import NotFiniteError, route_frame
from takead_ros.policy.tracking import track
from takead_ros.policy.vocabulary import anchors_sha256, plans_from_profiles

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
OUTPUTS = ("logits", "profiles", "speed_logits", "control", "anchors")
MAX_SPEED, MAX_ACCELERATION = 60.0, 15.0  # m/s, m/s^2: beyond these an output cannot be meant


class Policy:
    """A loaded model. ``sha256`` identifies it; ``manifest`` describes it; ``provider`` is what really runs it."""

    def __init__(self, session: Any, manifest: Manifest, provider: str, path: Path) -> None:
        self.manifest, self.provider, self.path = manifest, provider, path
        self.sha256 = manifest.sha256
        self._session = session
        self._lines = LineCache()
        self._speed_bins = np.asarray(manifest.speed_bins)

    def run(self, encoded: encoding.Encoded) -> dict[str, FloatArray]:
        """The network's raw outputs for one encoded scene, without the batch axis:

        logits (K,), profiles (K, T, 2) [m/s, m], speed_logits (B,), control (2,) [rad, m/s^2], anchors (K, T, 2).
        """
        values = self._session.run(OUTPUTS, {name: encoded[name][None] for name in encoding.SHAPES})
        return {
            name: np.asarray(value if name == "anchors" else value[0], dtype=float)
            for name, value in zip(OUTPUTS, values, strict=True)
        }

    def infer(self, scene: Scene) -> DriverOutput:
        """What the policy would do at ``scene``. Never raises for a bad scene or a bad output: the status says why."""
        try:
            frame = route_frame(scene)
            encoded = encode(scene, self._lines, frame)
        except NotFiniteError as error:
            return self._failed(scene, DriverStatus.NOT_FINITE, str(error))
        except ValueError as error:
            return self._failed(scene, DriverStatus.ERROR, str(error))
        out = self.run(encoded)
        if not all(np.isfinite(out[name]).all() for name in OUTPUTS):
            return self._failed(scene, DriverStatus.NOT_FINITE, "the network's output is not finite")
        positions, yaws, speeds = plans_from_profiles(out["profiles"], scene.ego.speed, frame)
        best = int(out["logits"].argmax())
        plan = Plan(positions[best, :, 0], positions[best, :, 1], yaws[best], speeds[best], PLAN_DT)
        steering, acceleration = command(plan, out["control"], scene.ego)
        fault = _out_of_range(plan, steering, acceleration, scene.ego)
        if fault:
            return self._failed(scene, DriverStatus.OUT_OF_RANGE, fault)
        weights = np.exp(out["speed_logits"] - out["speed_logits"].max())
        return DriverOutput(
            stamp=scene.stamp,
            source="policy",
            plan=plan,
            candidates=positions,
            logits=out["logits"],
            speed_bins=self._speed_bins,
            speed_probabilities=weights / weights.sum(),
            control_steering_angle=float(out["control"][0]),
            control_acceleration=float(out["control"][1]),
            steering_angle=steering,
            acceleration=acceleration,
            model_sha256=self.sha256,
        )

    def _failed(self, scene: Scene, status: DriverStatus, text: str) -> DriverOutput:
        return DriverOutput.failed(scene.stamp, "policy", status, text, self.sha256)


def command(plan: Plan, control: FloatArray, ego: EgoState) -> tuple[float, float]:
    """Steering (rad) and acceleration (m/s^2): the tracked plan, its acceleration averaged with the control branch.

    Where the two disagree about braking hard, the harder one holds: a late brake costs more than an early one.
    """
    steering, acceleration = track(plan, ego)
    direct = float(control[1])
    fused = min(acceleration, direct) if min(acceleration, direct) < -3.0 else 0.5 * (acceleration + direct)
    return float(steering), float(fused)


def _out_of_range(plan: Plan, steering: float, acceleration: float, ego: EgoState) -> str:
    """What is impossible about an output, in words; empty when nothing is."""
    if not np.isfinite([*plan.x, *plan.y, *plan.yaw, *plan.speed, steering, acceleration]).all():
        return "the derived plan or command is not finite"
    if plan.speed.max() > MAX_SPEED:
        return f"planned speed {plan.speed.max():.1f} m/s is above {MAX_SPEED} m/s"
    if abs(steering) > ego.max_steering_angle + 1e-6:
        return f"steering angle {steering:.3f} rad is beyond full lock {ego.max_steering_angle:.3f} rad"
    if abs(acceleration) > MAX_ACCELERATION:
        return f"acceleration {acceleration:.1f} m/s^2 is beyond {MAX_ACCELERATION} m/s^2"
    return ""


def load_model(path: str | Path, provider: str = "cpu") -> Policy:
    """The policy in ONNX file ``path``, running on ``provider`` (a key of PROVIDERS) and on nothing else.

    Raises TakeadError where the file is missing, cut short or foreign, where its manifest is missing, edited or does
    not match the model, the copy beside it or this software's encoding, or where the provider is not what really runs.
    """
    path = Path(path)
    data = read_file(path, "an ONNX file with its manifest")
    digest = model_sha256(data, str(path))
    session = _session(data, path, provider)
    manifest = _checked_manifest(session, path, digest)
    _check_interface(session, manifest, path)
    policy = Policy(session, manifest, provider, path)
    empty = {name: np.zeros(shape, np.float32) for name, shape in encoding.SHAPES.items()}
    anchors = policy.run(empty)["anchors"]
    if anchors_sha256(anchors) != manifest.anchors_sha256:
        raise TakeadError(
            f"{path}: anchors {anchors_sha256(anchors)[:12]} in the model, "
            f"{manifest.anchors_sha256[:12]} in its manifest: they do not belong together"
        )
    return policy


def read_file(path: Path, expected: str) -> bytes:
    """The bytes of a file. Raises TakeadError that says what was expected where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise TakeadError(f"{path}: {error.strerror or error}; expected {expected}") from error


def _session(data: bytes, path: Path, provider: str) -> Any:
    if provider not in PROVIDERS:
        raise TakeadError(f"provider '{provider}': unknown, expected one of {', '.join(PROVIDERS)}")
    wanted = PROVIDERS[provider]
    available = onnxruntime.get_available_providers()
    if wanted not in available:
        raise TakeadError(f"provider '{provider}': this onnxruntime has only {', '.join(available)}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(data, options, providers=[wanted])
    except Exception as error:
        raise TakeadError(f"{path}: ONNX Runtime cannot load it ({str(error).splitlines()[0]})") from error
    if session.get_providers()[0] != wanted:
        raise TakeadError(
            f"provider '{provider}': asked for {wanted}, the session runs on {session.get_providers()[0]}"
        )
    return session


def _checked_manifest(session: Any, path: Path, digest: str) -> Manifest:
    inside = session.get_modelmeta().custom_metadata_map.get(KEY)
    if inside is None:
        raise TakeadError(f"{path}: no '{KEY}' inside: this is not a takead model (make one with 'takead export')")
    manifest = parse_manifest(inside, f"{path} (manifest inside)")
    beside = manifest_path(path)
    if beside.exists() and parse_manifest(read_file(beside, "a manifest in JSON"), str(beside)) != manifest:
        raise TakeadError(f"{beside}: differs from the manifest inside {path.name}; one of them is of another model")
    if manifest.sha256 != digest:
        raise TakeadError(f"{path}: sha256 {digest[:12]}, its manifest says {manifest.sha256[:12]}: weights changed")
    return manifest


def _check_interface(session: Any, manifest: Manifest, path: Path) -> None:
    """Refuse a model made for another encoding, or whose tensors are not those that its manifest names."""
    mine = (encoding.VERSION, encoding.SHAPES, encoding.SCALES, PLAN_STEPS, PLAN_DT)
    shapes = {name: tensor.shape for name, tensor in manifest.inputs.items()}
    theirs = (manifest.encoding, shapes, manifest.normalisation, manifest.plan_steps, manifest.plan_dt)
    for what, mine_value, their_value in zip(
        ("encoding", "input shapes", "normalisation", "plan steps", "plan dt"), mine, theirs, strict=True
    ):
        if mine_value != their_value:
            raise TakeadError(f"{path}: made for {what} {their_value}; this software has {mine_value}")
    actual = {value.name: tuple(value.shape[1:]) for value in session.get_inputs()}
    if actual != shapes:
        raise TakeadError(f"{path}: the model's inputs are {actual}; its manifest says {shapes}")
    missing = [name for name in OUTPUTS if name not in {value.name for value in session.get_outputs()}]
    if missing or set(manifest.outputs) != set(OUTPUTS):
        raise TakeadError(f"{path}: outputs {', '.join(missing or OUTPUTS)} are missing in the model or its manifest")
