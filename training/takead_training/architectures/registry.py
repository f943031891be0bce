"""The networks that this software knows, by the name that a manifest gives as its ``architecture``."""

from __future__ import annotations

from functools import partial

from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vector import VECTOR_1
from takead_training.architectures.network import Architecture
from takead_training.architectures.scene_transformer import SceneTransformer
from takead_training.settings import DEFAULT_ARCHITECTURE

ARCHITECTURES: dict[str, Architecture] = {
    known.name: known
    for known in (
        Architecture(DEFAULT_ARCHITECTURE, VECTOR_1, SceneTransformer),
        Architecture("scene-transformer-2-one-target", VECTOR_1, partial(SceneTransformer, targets=1)),
    )
}


def architecture_of(name: str, where: str) -> Architecture:
    """The architecture called ``name``. Raises TakeadError that names ``where`` the name came from."""
    if name not in ARCHITECTURES:
        raise TakeadError(f"{where}: network '{name}' is unknown; this software has {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
