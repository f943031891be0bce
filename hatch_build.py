"""Build hook: a wheel carries its kernels compiled (takead_ros/compiled.py), so that no vehicle needs a compiler."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelHook(BuildHookInterface):
    """Compiles the kernels with the Python that builds; the wheel is then for that Python and this architecture."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # a checkout compiles where it stands: `python -m takead_ros.compiled`
            return
        subprocess.run([sys.executable, "-m", "takead_ros.compiled"], cwd=self.root, check=True)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["artifacts"].append("/takead_ros/__kernels__/*")
