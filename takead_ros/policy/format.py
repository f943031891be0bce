"""What a policy is told and what it answers: the interface between a network and the vehicle.

A format is one value: the topics it needs, the named arrays that go into the network and come out of it, and the two
functions between them and the vehicle's own types. A manifest names its format (``encoding``), so a camera policy is
another format and another model, never another node. The formats there are: ``takead_ros.policy.formats``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from takead_ros.domain.driving import DriverOutput
from takead_ros.domain.scene import FloatArray, Scene
from takead_ros.policy.arrays import RouteFrame
from takead_ros.policy.encoding import LineCache
from takead_ros.policy.manifest import Manifest, Tensor
from takead_ros.policy.route_frame import route_frame

Encoded = Mapping[str, NDArray[np.float32]]  # one observation or a batch of them, by the name of the input
Outputs = Mapping[str, FloatArray]  # likewise, by the name of the output

ANY = -1  # in the shape of an output: as many as the model has
SCENE = "scene"  # the topic that every format needs: it says when an answer is due, and where the ego is


@dataclass(frozen=True)
class Observation:
    """What a policy may know at one moment.

    ``others``: the newest message of each further topic that the format needs, by topic name; a topic that has not been
    heard yet is missing. ``lines`` keeps pieces of the map from one observation to the next; it affects speed only.
    """

    scene: Scene
    others: Mapping[str, object] = field(default_factory=dict)
    lines: LineCache = field(default_factory=LineCache, compare=False)

    @cached_property
    def road(self) -> RouteFrame:
        """The route's own frame seen from the ego, worked out once. Raises ValueError as ``route_frame`` does."""
        return route_frame(self.scene)


@dataclass(frozen=True)
class PolicyFormat:
    """The contract of a kind of network.

    name: as the manifest's ``encoding`` says it; changes with every change of meaning, so that models and caches of
    another meaning are refused. needs: topics, SCENE among them. inputs, outputs: shapes without the batch axis, ANY
    where the model decides. constants: the outputs without a batch axis. normalisation: one unit of an input, SI.

    encode: an observation as ``inputs``, without a batch axis. Raises NotFiniteError for a value that is not finite,
    ValueError for an observation that cannot be encoded.
    decode: what the network's finite ``outputs`` for one observation (without a batch axis, and without the constants)
    mean on the vehicle.
    """

    name: str
    needs: tuple[str, ...]
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    constants: tuple[str, ...]
    normalisation: Mapping[str, float]
    encode: Callable[[Observation], Encoded]
    decode: Callable[[Outputs, Observation, Manifest], DriverOutput]

    def empty(self, count: int) -> dict[str, NDArray[np.float32]]:
        """A batch of ``count`` observations that hold nothing."""
        return {name: np.zeros((count, *tensor.shape), np.float32) for name, tensor in self.inputs.items()}

    def difference(self, manifest: Manifest) -> str:
        """In which point a model with ``manifest`` is not of this format, in words; empty where it is."""
        shapes = {name: tensor.shape for name, tensor in manifest.inputs.items()}
        mine = {name: tensor.shape for name, tensor in self.inputs.items()}
        if manifest.needs != self.needs:
            return f"made for needs {manifest.needs}; format '{self.name}' has {self.needs}"
        if shapes != mine:
            return f"made for input shapes {shapes}; format '{self.name}' has {mine}"
        if manifest.normalisation != self.normalisation:
            return f"made for normalisation {manifest.normalisation}; format '{self.name}' has {self.normalisation}"
        for name, tensor in self.outputs.items():
            other = manifest.outputs.get(name)
            if other is None or set(manifest.outputs) != set(self.outputs):
                theirs = ", ".join(manifest.outputs) or "none"
                return f"outputs {theirs}; format '{self.name}' has {', '.join(self.outputs)}"
            if not _fits(other.shape, tensor.shape):
                return f"output '{name}' of shape {other.shape}; format '{self.name}' has {tensor.shape}"
        return ""


def _fits(shape: tuple[int, ...], pattern: tuple[int, ...]) -> bool:
    return len(shape) == len(pattern) and all(p in (ANY, n) for n, p in zip(shape, pattern, strict=True))
