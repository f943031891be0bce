"""A command for every verb that ends well, on the material of the trial (``trial.material``) and two more drives."""

from __future__ import annotations

import re
import shlex

CLIP = "shelf/CLIP"
QUICK = "--threads 1 --workers 1"
VECTOR = "--sim vector --suite intersection_right"
MADE = f"drive --model expert {VECTOR} --seeds training:0-1 --record all --bags two"  # two demonstrations more
COMMANDS = {
    "doctor": "doctor",
    "drive": f"drive --model novice {VECTOR} --seeds collection:0",
    "eval": f"eval --model novice {VECTOR} --batched --seeds 0-1",
    "compare": "compare before.json after.json",
    "scenarios ls": "scenarios ls",
    "scenarios show": "scenarios show cut_in",
    "joystick ls": "joystick ls",
    "takeover table": "takeover table",
    "takeover diagram": "takeover diagram",
    "clips ls": "clips ls shelf",
    "clips show": f"clips show {CLIP}",
    "clips verify": "clips verify shelf",
    "clips recover": "clips recover shelf",
    "clips label": f"clips label {CLIP} takeover --by somebody",
    "clips prune": "clips prune shelf --max-age 0d --include-unexported",
    "clips export": "clips export shelf --out OUT.parquet",
    "clips play": f"clips play {CLIP} --out OUT.gif --speed 20",
    "replay": f"replay {CLIP} --model novice",
    "dream": f"dream {CLIP} --model recorded",
    "train bc": f"train bc two --out OUT.pt --epochs 1 {QUICK}",
    "train round": "train round --parent novice --clips shelf --out round1 --dagger-epochs 1 --preference-epochs 1 "
    f"--draws 64 {QUICK}",
    "train collect": "train collect --model novice --suite intersection_right --seeds collection:0 --out OUT.rows "
    "--workers 1",
    "train predictability": f"train predictability two --cache OUT.cache --epochs 1 --folds 2 {QUICK}",
    "train agents": f"train agents two --out OUT.agents.pt --epochs 1 --windows 1 {QUICK}",
    "export": "export cloned.pt --out OUT.onnx",
    "model show": "model show baseline",
    "model verify": "model verify m.onnx",
    "model bundle": "model bundle m.onnx --release 4 --out OUT.tar.zst",
    "model install": "model install bundles/b.tar.zst --to OUT.installed.tar.zst",
    "runs ls": "runs ls driven",
    "runs show": "runs show before.json",
    "report": "report run",
}
# What is not run here: whole loops, and what waits for a pad, a client or a server.
ELSEWHERE = ("demo", "train rounds", "train final", "joystick test", "carla-server", "vehicle identify")


def words(name: str, clip: str, out: str) -> list[str]:
    """What is typed for ``name``: with a clip's own name, and outputs named after ``out``."""
    return [re.sub(r"\bOUT\b", out, word.replace("CLIP", clip)) for word in shlex.split(COMMANDS[name])]
