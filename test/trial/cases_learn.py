"""Learning: train bc and round, export, model."""

from __future__ import annotations

from trial.case import Case, attacker, breaker, broken_file, user

LONG = "x" * 300
MANIFEST = "shelf/CLIP/manifest.json"
BAG = "shelf/CLIP/CLIP_0.mcap"
CLONE = "train bc driven --out new.pt --epochs 1 --threads 1 --workers 1"
BC = "train bc shelf --out new.pt --epochs 1 --threads 1 --workers 1"
ROUND = (
    "train round --parent novice --clips shelf --out round1 --dagger-epochs 1 --preference-epochs 1 --draws 64 "
    "--threads 1 --workers 1"
)
NEW = ROUND.replace("--out round1", "--out new")
OUTS = {
    "over a file": ("cloned.pt", "cloned.pt"),
    "below a file": ("cloned.pt/x", "cloned.pt"),
    "in proc": ("/proc/x", "/proc"),
    "of 300 letters": (LONG, "File name too long"),
    "in a loop": ("loop", "loop"),
}
# entries of a checkpoint, sealed again
UNFIT = {
    "no state": "state",
    "no frames": "frames",
    "no provenance": "provenance",
    "no settings": "settings",
    "no architecture": "architecture",
    "no encoding": "encoding",
    "no format": "format",
    "another format": 'format "x"',
    "another architecture": 'architecture "x"',
    "another encoding": 'encoding "x"',
    "an unknown setting": 'settings {"zzz": 1}',
    "settings null": "settings null",
    "state empty": "state {}",
    "provenance of letters": 'provenance {"a": 1}',
    "provenance null": "provenance null",
    "frames null": "frames null",
    "frames of letters": 'frames {"ego": "x"}',
    "training null": 'provenance {"name": "x", "stage": "bc", "training": null}',
    "seeds of letters": 'provenance {"name": "x", "stage": "bc", "seeds": ["a"]}',
    "a weight of NaN": "state nan",
}
# round.json with something that does not belong there
RECORDS = {
    "asked null": "set round1/round.json asked null",
    "asked text": 'set round1/round.json asked "x"',
    "no asked": "unset round1/round.json asked",
    "result empty": "set round1/round.json result {}",
    "parity of letters": 'set round1/round.json result.parity {"foo": 1}',
    "figures null": "set round1/round.json figures null",
    "history a list": "set round1/round.json history []",
    "an unknown key": "set round1/round.json wings 2",
    "null": "text round1/round.json null",
    "empty": "empty round1/round.json",
    "noise": "noise round1/round.json",
    "a folder": "folder round1/round.json",
    "cut": "cut round1/round.json",
    "figures NaN": 'set round1/round.json figures {"dagger": {"loss": NaN}}',
}

CASES: tuple[Case, ...] = (
    # what it runs on
    *(
        user(f"train {verb}: {name}", f"{command} {options}", 2, *says)
        for verb, command in (("bc", CLONE), ("round", NEW))
        for name, options, *says in (
            ("accelerator tpu", "--accelerator tpu", "--accelerator 'tpu'", "auto, cpu, cuda"),
            ("bf16 on the CPU", "--precision bf16-mixed", "--precision bf16-mixed", "CUDA"),
            ("precision 64", "--precision 64", "--precision '64'", "32, bf16-mixed"),
            ("no devices", "--devices 0", "--devices"),
        )
    ),
    # model
    user("model show", "model show baseline", 0, "sha256", "vector-1"),
    user("model show as json", "model show baseline --json -", 0, '"sha256"'),
    user("model show a file", "model show m.onnx", 0, "bc"),
    user("model verify", "model verify baseline", 0, "sound"),
    user("model verify as json", "model verify m.onnx --json -", 0, '"sound": true'),
    user("model verify a typo", "model verify baselin", 2, "did you mean baseline"),
    user("model verify on no provider", "model verify baseline --provider gpu", 2, "gpu", "cpu"),
    user("model verify on cuda", "model verify baseline --provider cuda", 2, "cuda"),
    user("model verify a checkpoint", "model verify cloned.pt", 2, "cloned.pt"),
    *broken_file(
        "model verify m.onnx", "m.onnx", "m.onnx", kinds="missing empty cut noise zeros folder loop flip text"
    ),
    *broken_file("model show m.onnx", "m.onnx", "m.onnx", kinds="missing empty cut flip"),
    *broken_file("model verify m.onnx", "m.manifest.json", "manifest", kinds="empty cut noise folder text"),
    *(
        breaker(
            f"model verify: manifest {key}",
            "model verify m.onnx",
            2,
            "m.manifest.json",
            damage=f"set m.manifest.json {key} null",
        )
        for key in ("sha256", "name", "encoding", "anchors_sha256", "inputs", "outputs", "seeds", "clips", "opset")
    ),
    attacker("model verify: a pickle", "model verify m.onnx", 2, "m.onnx", damage="pickle m.onnx"),
    attacker("model verify: markup", "model verify '[/red]'", 2, "[/red]"),
    # export
    user("export a checkpoint", "export cloned.pt --out new.onnx", 0, "sha256"),
    user("export to json", "export cloned.pt --out new.onnx --json -", 0, '"sha256"'),
    user("export over a model", "export cloned.pt --out m.onnx", 2, "exists"),
    user("export over a model on purpose", "export cloned.pt --out m.onnx --overwrite", 0, "sha256", writes="m.*"),
    user("export a model", "export m.onnx --out new.onnx", 2, "m.onnx"),
    user("export nothing", "export none.pt --out new.onnx", 2, "none.pt"),
    user("export without out", "export cloned.pt", 2, "--out"),
    user("export, pedals by magic", "export cloned.pt --out new.onnx --decode-control magic", 2, "magic"),
    user("export, speed by magic", "export cloned.pt --out new.onnx --decode-speed magic", 2, "magic"),
    *broken_file(
        "export cloned.pt --out new.onnx",
        "cloned.pt",
        "cloned.pt",
        kinds="missing empty cut noise zeros folder loop flip text",
    ),
    *(
        breaker(
            f"export: checkpoint with {name}",
            "export cloned.pt --out new.onnx",
            2,
            "cloned.pt",
            damage=f"checkpoint cloned.pt {damage}",
        )
        for name, damage in UNFIT.items()
    ),
    breaker(
        "export: checkpoint with seven heads",
        "export cloned.pt --out new.onnx",
        2,
        "7 heads",
        damage='checkpoint cloned.pt settings {"heads": 7}',
    ),
    breaker(
        "export: checkpoint without frames",
        "export cloned.pt --out new.onnx",
        2,
        "no recorded frames",
        damage="checkpoint cloned.pt frames {}",
    ),
    attacker("export: a pickle", "export cloned.pt --out new.onnx", 2, "cloned.pt", damage="pickle cloned.pt"),
    breaker("export below a file", "export cloned.pt --out a/b.onnx", 2, "'a'", damage="text a mine"),
    breaker("export to proc", "export cloned.pt --out /proc/x.onnx", 2, "/proc"),
    breaker("export to 300 letters", f"export cloned.pt --out {LONG}", 2, "File name too long"),
    # train bc
    user("bc", CLONE, 0, "new.pt", "samples"),
    user("bc of too little", BC, 2, "samples"),
    user(
        "bc of takeovers too",
        CLONE.replace("driven", "driven shelf"),
        0,
        "warning: 1 of 2 clips are takeovers, no whole demonstrations",
        "takeovers 1",
    ),
    user("bc of nothing", BC.replace("shelf", "none"), 2, "none"),
    user("bc of one folder twice", BC.replace("shelf", "driven driven"), 0, "is the same as"),
    user("bc of an empty folder", BC.replace("shelf", "mine"), 2, "no clips", damage="folder mine"),
    user("bc over a checkpoint", BC.replace("new.pt", "cloned.pt"), 2, "exists"),
    user("bc without clips", "train bc --out new.pt", 2, "'clips'"),
    user("bc of no network", f"{BC} --architecture magic", 2, "magic"),
    user("bc of the same clips twice", CLONE.replace("driven", "driven driven"), 0, "clips"),
    *(
        breaker(f"bc {name}", BC.replace("new.pt", out), 2, says, damage="loop loop")
        for name, (out, says) in OUTS.items()
    ),
    *(
        breaker(f"bc: {option}", f"{BC} {option}", 2, option.split("=")[0].split(" ")[0])
        for option in (
            "--rate=nan",
            "--rate=inf",
            "--rate=-1",
            "--epochs=0",
            "--batch=0",
            "--seed=-1",
            "--workers=0",
            "--workers=-2",
            "--threads=0",
            f"--seed={'9' * 30}",
            "--workers=100000",
            "--threads=100000",
            "--speed-dropout=nan",
            "--speed-dropout=2",
            "--change-weight=nan",
            "--change-weight=-1",
            "--epochs=nan",
            "--speed-target=magic",
        )
    ),
    breaker("bc: a rate that explodes", f"{CLONE} --rate 1e30", 2, "finite"),
    breaker("bc: a clip of another seed", BC, 2, "differ", damage=f"set {MANIFEST} provenance.seed 3000000"),
    attacker("bc: a clip of no seed", BC, 2, damage=f"set {MANIFEST} provenance.seed null"),
    attacker("bc: a clip of a test seed", BC, 2, "test seed", damage=f"set {MANIFEST} provenance.seed 5"),
    *(
        breaker(f"bc: bag {kind}", BC, 2, "CLIP", damage=f"{kind} {BAG}")
        for kind in ("empty", "noise", "cut", "remove")
    ),
    *(breaker(f"bc: manifest {kind}", BC, 2, "CLIP", damage=f"{kind} {MANIFEST}") for kind in ("empty", "noise")),
    *(
        breaker(f"bc: state {kind}", CLONE, 2, "new.pt.state", damage=damage, writes="new.pt.state")
        for kind, damage in {
            "empty": "empty new.pt.state",
            "noise": "text new.pt.state x",
            "folder": "folder new.pt.state",
            "a checkpoint": "copy cloned.pt new.pt.state",
        }.items()
    ),
    # train round
    user("round again", ROUND, 0, "model.onnx"),
    user("round with other settings", f"{ROUND} --seed 1", 2, "round1"),
    user("round of no clips", NEW.replace("shelf", "none"), 2, "none"),
    user("round of no parent", NEW.replace("novice", "none.onnx"), 2, "none.onnx"),
    user("round of a parent typo", NEW.replace("novice", "basline"), 2, "did you mean baseline"),
    user(
        "round in a folder of mine", NEW.replace("--out new", "--out mine"), 2, "mine", damage="text mine/thesis.txt x"
    ),
    user("round of no base", f"{NEW} --base basline", 2, "did you mean baseline"),
    user("round of no stage", f"{NEW} --stages magic", 2, "magic"),
    user("round of no share", f"{NEW} --share magic=1", 2, "magic"),
    user("round of no loss", f"{NEW} --loss magic", 2, "magic"),
    *(
        breaker(f"round {name}", NEW.replace("--out new", f"--out {out}"), 2, says, damage="loop loop")
        for name, (out, says) in OUTS.items()
    ),
    *(
        breaker(f"round: {option}", f"{NEW} {option}", 2)
        for option in (
            "--beta=nan",
            "--beta=-1",
            "--gamma=nan",
            "--draws=0",
            f"--draws={'9' * 15}",
            "--share=takeover=1e308",
            "--dagger-epochs=0",
            "--seed=-1",
            "--workers=0",
            "--threads=0",
            "--share=takeover=nan",
            "--share=takeover",
            "--share=takeover=-1",
            "--stages=",
            "--stages=dagger,dagger",
            "--rejected=magic",
            "--target=magic",
            "--rule=magic",
            "--score-weight=nan",
            "--speed-dropout=-1",
            "--imitation-weight=nan",
            "--forecast-weight=-1",
            f"--seed={'9' * 30}",
        )
    ),
    *(breaker(f"round: record {name}", ROUND, 2, "round.json", damage=damage) for name, damage in RECORDS.items()),
    attacker("round: record deep", ROUND, 2, "round.json", damage="deep round1/round.json"),
    attacker("round: another model put there", ROUND, 2, "model.onnx", damage="copy m.onnx round1/model.onnx"),
    *broken_file(NEW.replace("novice", "m.onnx"), "m.onnx", "m.onnx", kinds="missing empty cut noise flip folder"),
    user("round of nothing", "train round --parent novice --out new", 2, "neither --clips nor --collected"),
    user("round of rows that are none", "train round --parent novice --collected shelf --out new", 2, "train collect"),
)
