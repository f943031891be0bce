"""What is done to a case's files before its command runs: one word for the kind, then paths and values."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from support import bundles

LONG = "x" * 300


def inflict(step: str, folder: Path) -> None:
    """Do ``step`` in ``folder``, such as ``cut before.json``, ``set before.json seeds []`` or ``text a.txt words``."""
    kind, _, rest = step.partition(" ")
    path = folder / rest.split(" ", 1)[0]
    value = rest.split(" ", 1)[1] if " " in rest else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "remove":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))
    elif kind == "zeros":
        path.write_bytes(bytes(path.stat().st_size))
    elif kind == "flip":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x10
        path.write_bytes(data)
    elif kind == "folder":
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
    elif kind == "loop":
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.symlink_to(path.name)
    elif kind == "text":
        path.write_text(value.encode().decode("unicode_escape"), encoding="utf-8")
    elif kind == "append":
        with path.open("a", encoding="utf-8") as file:
            file.write(value.encode().decode("unicode_escape"))
    elif kind == "pickle":
        path.write_bytes(b"cos\nsystem\n(S'touch taken-over'\ntR.")
    elif kind == "bomb":
        lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
        lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
        path.write_text("\n".join(lines) + "\nrosbag2_bagfile_information: {relative_file_paths: [*i]}\n")
    elif kind == "pipe":
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    elif kind == "sparse":  # 10 GB that take no place on the disk
        path.touch()
        os.truncate(path, 10 << 30)
    elif kind == "deep":
        path.write_text("[" * 100_000)
    elif kind in ("copy", "rename", "link"):
        target = folder / value
        target.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            target.symlink_to(path)
        elif kind == "rename":
            path.rename(target)
        else:
            shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
    elif kind in ("set", "unset"):
        _edit(path, kind, *value.split(" ", 1))
    elif kind == "bundle":
        make, _ = {**bundles.BAD, **bundles.TOLD, **bundles.KEYED}[value]
        path.write_bytes(make())
    elif kind in ("nan", "external"):
        from support import reseal  # onnx is of the training extra

        reseal.resealed(path, reseal.not_finite if kind == "nan" else reseal.elsewhere, path)
        path.with_suffix(".manifest.json").unlink()
    elif kind == "checkpoint":
        _checkpoint(path, *value.split(" ", 1))
    else:
        raise ValueError(f"no such damage: {step}")


def _edit(path: Path, kind: str, where: str, value: str = "") -> None:
    """Set or unset a place in a JSON file, such as ``episodes.0.seed``."""
    content: Any = json.loads(path.read_text(encoding="utf-8"))
    *way, last = [int(part) if part.isdigit() else part for part in where.split(".")]
    inner = content
    for part in way:
        inner = inner[part]
    if kind == "unset":
        del inner[last]
    else:
        inner[last] = json.loads(value)
    path.write_text(json.dumps(content), encoding="utf-8")


def _checkpoint(path: Path, key: str, value: str = "") -> None:
    """Change one entry of a checkpoint and seal it again; without a value the entry is taken out."""
    import torch

    from takead_training.checkpoint import load_torch, save_torch

    payload = load_torch(path, "checkpoint")
    if value == "nan":
        weights = payload[key]
        weights[next(iter(weights))] = torch.full_like(next(iter(weights.values())), float("nan"))
    elif value:
        payload[key] = json.loads(value)
    else:
        del payload[key]
    save_torch(payload, path)
