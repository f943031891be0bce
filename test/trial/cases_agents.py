"""Learned road users: train agents, their models, and dreams among them."""

from __future__ import annotations

from trial.case import Case, attacker, breaker, broken_file, user

CLIP = "shelf/CLIP"
MANIFEST = f"{CLIP}/manifest.json"
BAG = f"{CLIP}/CLIP_0.mcap"
AGENTS = "train agents shelf --out new.pt --epochs 1 --windows 1 --threads 1 --workers 1"
LEARNED = f"dream {CLIP} --model recorded --agents learned"

CASES: tuple[Case, ...] = (
    # their models
    user("model verify road users", "model verify agents", 0, "sound", "a model of road users"),
    user("model show road users", "model show agents", 0, "surroundings-1", "held_out"),
    user("model verify road users, a file", "model verify ru.onnx --json -", 0, "takead-road-users-1"),
    user("drive by road users", "drive --model agents --seeds 0", 2, "is a model of road users", "expected a policy"),
    user("bundle road users", "model bundle agents --release 1 --out a.tar.zst", 2, "expected a policy"),
    user("round from road users", "train round --parent agents --clips shelf --out new", 2, "expected a policy"),
    *broken_file("model verify ru.onnx", "ru.onnx", "ru.onnx", kinds="missing empty cut noise zeros folder flip text"),
    *broken_file("model verify ru.onnx", "ru.manifest.json", "manifest", kinds="empty cut noise folder text"),
    *(
        breaker(
            f"model verify road users: manifest {key}", "model verify ru.onnx", 2, "ru.manifest.json",
            damage=f"set ru.manifest.json {key} null",
        )
        for key in ("sha256", "name", "encoding", "inputs", "outputs", "steps", "step_s", "seeds")
    ),
    # dreams among them
    user("dream among learned ones", LEARNED, 0, "road users move as 'agents'", "the ego ends"),
    user("dream among learned ones of a file", f"{LEARNED} --agents-model ru.onnx", 0, "road users move as"),
    user("dream among learned ones as json", f"{LEARNED} --json -", 0, '"agents": "learned"'),
    user("dream of a policy as road users", f"{LEARNED} --agents-model m.onnx", 2, "m.onnx", "is a policy"),
    user("dream of a shipped policy as road users", f"{LEARNED} --agents-model baseline", 2, "is a policy"),
    user("dream of an agents-model typo", f"{LEARNED} --agents-model agent", 2, "agent"),
    user("dream of no agents-model", f"{LEARNED} --agents-model none.onnx", 2, "none.onnx"),
    user("dream of a checkpoint as road users", f"{LEARNED} --agents-model cloned.pt", 2, "cloned.pt"),
    user(
        "dream of rules with a model", f"dream {CLIP} --model recorded --agents rules --agents-model agents", 2,
        "agents rules ask no model", "learned",
    ),
    user("dream driven by road users", f"dream {CLIP} --model agents", 2, "expected a policy"),
    *broken_file(f"{LEARNED} --agents-model ru.onnx", "ru.onnx", "ru.onnx", kinds="missing empty cut noise zeros flip"),
    attacker("dream of a pickle as road users", f"{LEARNED} --agents-model ru.onnx", 2, damage="pickle ru.onnx"),
    attacker("dream of an agents-model of markup", f"{LEARNED} --agents-model '[/red]'", 2, "[/red]"),
    # train agents
    user("agents of one episode", AGENTS, 2, "one episode", "held out"),
    user("agents of nothing", AGENTS.replace("shelf", "none"), 2, "none"),
    user("agents of an empty folder", AGENTS.replace("shelf", "mine"), 2, "no clips", damage="folder mine"),
    user("agents over a checkpoint", AGENTS.replace("new.pt", "cloned.pt"), 2, "exists"),
    user("agents without clips", "train agents --out new.pt", 2, "'clips'"),
    *(
        breaker(f"agents: {option}", f"{AGENTS} {option}", 2, option.split("=")[0])
        for option in (
            "--rate=nan", "--rate=inf", "--rate=-1", "--epochs=0", "--batch=0", "--seed=-1", "--workers=0",
            "--threads=0", "--modes=0", "--modes=1000", "--windows=0", "--windows=nan", "--epochs=nan",
        )
    ),
    attacker("agents: a clip of a test seed", AGENTS, 2, "test seed", damage=f"set {MANIFEST} provenance.seed 5"),
    attacker("agents: a clip of no seed", AGENTS, 2, damage=f"set {MANIFEST} provenance.seed null"),
    *(breaker(f"agents: bag {kind}", AGENTS, 2, "CLIP", damage=f"{kind} {BAG}") for kind in ("empty", "noise")),
)  # fmt: skip
