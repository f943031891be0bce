"""Clips: ls, show, verify, recover, label, prune, export, play, and replay."""

from __future__ import annotations

from trial.case import Case, attacker, breaker, broken_file, user

LONG = "x" * 300
CLIP = "shelf/CLIP"
BAG = f"{CLIP}/CLIP_0.mcap"
MANIFEST = f"{CLIP}/manifest.json"
YAML = f"{CLIP}/metadata.yaml"
READERS = {
    "show": f"clips show {CLIP}",
    "play": f"clips play {CLIP} --out a.gif",
    "replay": f"replay {CLIP} --model novice",
}
# a bag that is cut or hit somewhere can still be read in part; these cannot be read at all
DEAD = "empty noise zeros"
# places in a manifest, and what they must not hold
WRONG = {
    "null": "trigger null",
    "a seed of text": 'provenance.seed "x"',
    "severity NaN": "severity NaN",
    "events 3": "events 3",
    "labels null": "labels null",
    "an unknown key": "wings 2",
    "an unknown class": 'classification "wild"',
    "no provenance": "provenance null",
    "a huge number": f"seconds 1{'0' * 400}",
    "who 3": "who 3",
    "a list for an id": "clip_id []",
}

CASES: tuple[Case, ...] = (
    # ls
    user("ls", "clips ls shelf", 0, "CLIP", "1 clips in shelf"),
    user("ls as json", "clips ls shelf --json -", 0, '"clips"'),
    user("ls to a file", "clips ls shelf --json a.json", 0, "written: a.json"),
    user("ls of nothing", "clips ls none", 2, "none", "no such folder"),
    user("ls of an empty folder", "clips ls mine", 0, "0 clips", damage="folder mine"),
    user("ls of a file", "clips ls before.json", 2, "before.json"),
    user("ls without an argument", "clips ls", 2, "'folder'"),
    user("ls of one trigger", "clips ls shelf --trigger collision_predicted", 0, "1 clips"),
    user("ls of another trigger", "clips ls shelf --trigger off_route", 0, "0 clips"),
    user("ls of a trigger typo", "clips ls shelf --trigger colision", 2, "colision", "collision_predicted"),
    user("ls of a class typo", "clips ls shelf --classification takeovers", 2, "takeovers", "casual_override"),
    user("ls of a scenario typo", "clips ls shelf --scenario cutin", 2, "cutin"),
    user("ls severe ones", "clips ls shelf --min-severity 0.9", 0, "0 clips"),
    user("ls of a model", "clips ls shelf --model b90c", 0, "1 clips"),
    user("ls since", "clips ls shelf --since 2020-01-01", 0),
    *(
        breaker(f"ls severity {text}", f"clips ls shelf --min-severity={text}", 2, "severity")
        for text in ("nan", "5", "-1", "inf", "high")
    ),
    *(
        breaker(f"ls since {text}", f"clips ls shelf --since {text}", 2, text)
        for text in ("2026-13-99", "２０２６-01-01", "yesterday", "20260101", "2026-02-30")
    ),
    breaker("ls until nonsense", "clips ls shelf --until 2026-13-99", 2, "2026-13-99"),
    breaker("ls with a broken manifest", "clips ls shelf", 1, "left out", damage=f"noise {MANIFEST}"),
    breaker(
        "ls of a clip and a broken one",
        "clips ls shelf",
        1,
        "1 clips",
        "left out",
        damage=f"copy {CLIP} shelf/other ; empty shelf/other/manifest.json",
    ),
    breaker("ls of a clip without manifest.json", "clips ls shelf", 0, "1 clips", damage=f"remove {MANIFEST}"),
    attacker("ls of a folder of markup", "clips ls '[/x]'", 0, "[/x]", damage="folder [/x]"),
    attacker("ls of a folder of colour", "clips ls '[red]ok'", 0, "[red]ok", damage="folder [red]ok"),
    attacker("ls of a folder of emoji", "clips ls :x:", 0, ":x:", damage="folder :x:"),
    attacker("ls of a scenario of an escape", "clips ls shelf", 0, damage=f'set {MANIFEST} trigger "\\u001b[2J"'),
    attacker("ls of a link out", "clips ls mine", 0, "0 clips", damage="folder mine ; link shelf mine/link"),
    attacker("ls of a pipe", "clips ls shelf", 1, "1 clips", "left out", damage="pipe shelf/other/manifest.json"),
    attacker("ls of a clip whose bag is a pipe", "clips ls shelf", 0, "1 clips", damage=f"pipe {BAG}"),
    *(
        attacker(f"verify: {name} is a pipe", "clips verify shelf", 1, "DAMAGED", damage=f"pipe {file}")
        for name, file in (("bag", BAG), ("manifest", MANIFEST), ("metadata", YAML))
    ),
    attacker(
        "label through a link",
        f"clips label {CLIP} takeover",
        0,
        damage=f"text mine work ; link mine {MANIFEST}.part",
        writes=f"{MANIFEST} {MANIFEST}.part",
    ),
    attacker(
        "prune through a lock that is a link",
        "clips prune shelf --max-age 0d --yes",
        2,
        "symbolic links",
        damage="text mine work ; link mine shelf/.lock",
    ),
    attacker(
        "empty a trash that leads to clips",
        "clips prune mine --empty-trash --yes",
        0,
        "withheld",
        damage="folder mine/.trash ; link shelf mine/.trash/2",
    ),
    # show
    user("show", f"clips show {CLIP}", 0, "collision_predicted", "from"),
    user("show as json", f"clips show {CLIP} --json -", 0, '"clip_id"'),
    user("show the file", f"clips show {BAG}", 0, "collision_predicted"),
    user("show with a picture", f"clips show {CLIP} --picture a.png", 0, "a.png"),
    user("show over a picture", f"clips show {CLIP} --picture a.png", 2, "exists", damage="text a.png mine"),
    user("show a picture of no kind", f"clips show {CLIP} --picture a.doc", 2, "a.doc"),
    user("show nothing", "clips show none", 2, "none"),
    user("show a folder of clips", "clips show shelf", 2, "shelf"),
    user("show a text", "clips show before.json", 2, "before.json"),
    breaker("show a picture below a file", f"clips show {CLIP} --picture a/b.png", 2, damage="text a mine"),
    breaker("show 300 letters", f"clips show {LONG}", 2, "xxx"),
    breaker("show a loop", "clips show loop", 2, "loop", damage="loop loop"),
    *(
        breaker(f"show: manifest with {name}", f"clips show {CLIP}", 2, "manifest", damage=f"set {MANIFEST} {damage}")
        for name, damage in WRONG.items()
    ),
    attacker("show: why of markup", f"clips show {CLIP}", 0, "[/bold]", damage=f'set {MANIFEST} why "[/bold]"'),
    attacker(
        "show: scenario of markup", f"clips show {CLIP}", 0, "[/x]", damage=f'set {MANIFEST} provenance.scenario "[/x]"'
    ),
    attacker("show: why of an escape", f"clips show {CLIP}", 0, "\\x1b[2J", damage=f'set {MANIFEST} why "\\u001b[2J"'),
    attacker(
        "show: why of a title",
        f"clips show {CLIP}",
        0,
        "\\x1b]0;x\\x07",
        damage=f'set {MANIFEST} why "\\u001b]0;x\\u0007"',
    ),
    attacker("show: why of lines", f"clips show {CLIP}", 0, "\\nerror:", damage=f'set {MANIFEST} why "\\nerror: x"'),
    attacker("show: why of emoji", f"clips show {CLIP}", 0, ":skull:", damage=f'set {MANIFEST} why ":skull:"'),
    attacker("show: a name of emoji", "clips show root:x:0", 2, "root:x:0"),
    attacker("show: a metadata.yaml of aliases", f"clips show {CLIP}", 2, damage=f"bomb {YAML}"),
    attacker(
        "show: a metadata.yaml that runs code",
        f"clips show {CLIP}",
        2,
        "metadata.yaml",
        damage=f"text {YAML} !!python/object/apply:os.system [touch taken-over]",
    ),
    attacker("show: a deep manifest", f"clips show {CLIP}", 2, "manifest", damage=f"deep {MANIFEST}"),
    # every reader of a bag
    *(case for command in READERS.values() for case in broken_file(command, BAG, kinds=DEAD)),
    *(case for command in READERS.values() for case in broken_file(command, CLIP, "CLIP", kinds="missing loop")),
    *(case for name in ("show", "replay") for case in broken_file(READERS[name], YAML, kinds="empty noise text")),
    # verify
    user("verify", "clips verify shelf", 0, "1 of 1 whole"),
    user("verify one", f"clips verify {CLIP}", 0, "1 of 1 whole"),
    user("verify as json", "clips verify shelf --json -", 0, '"ok": true'),
    user("verify nothing", "clips verify none", 2, "none"),
    user("verify an empty folder", "clips verify mine", 2, "no clip", damage="folder mine"),
    *(
        breaker(f"verify: bag {kind}", "clips verify shelf", 1, "DAMAGED", damage=f"{kind} {BAG}")
        for kind in ("cut", "flip", *DEAD.split())
    ),
    *(
        breaker(f"verify: manifest {kind}", "clips verify shelf", 1, "DAMAGED", damage=f"{kind} {MANIFEST}")
        for kind in ("empty", "noise", "cut")
    ),
    *(
        breaker(f"verify: metadata {kind}", "clips verify shelf", 1, "DAMAGED", damage=f"{kind} {YAML}")
        for kind in ("empty", "noise", "remove")
    ),
    breaker(
        "verify: another seed beside than inside",
        "clips verify shelf",
        1,
        "differ",
        damage=f"set {MANIFEST} provenance.seed 3",
    ),
    breaker("verify: a bag by another name", "clips verify shelf", 1, damage=f"rename {BAG} {CLIP}/other.mcap"),
    breaker("verify without manifest.json", "clips verify shelf", 1, "DAMAGED", damage=f"remove {MANIFEST}"),
    attacker("verify a folder of markup", "clips verify '[/x]'", 2, "[/x]", damage="folder [/x]"),
    # recover
    user("recover nothing to do", "clips recover shelf", 0, "0 of 0 recovered"),
    user("recover nothing", "clips recover none", 2, "none"),
    breaker(
        "recover a cut bag",
        "clips recover shelf",
        0,
        "1 of 1 recovered",
        damage=f"cut {BAG}",
        writes="shelf/* shelf/*/*",
    ),
    breaker(
        "recover a cut bag as json",
        "clips recover shelf --json -",
        0,
        '"recovered"',
        damage=f"cut {BAG}",
        writes="shelf/* shelf/*/*",
    ),
    breaker(
        "recover without manifest.json",
        "clips recover shelf",
        0,
        "1 of 1 recovered",
        damage=f"remove {MANIFEST}",
        writes="shelf/* shelf/*/*",
    ),
    breaker(
        "recover noise", "clips recover shelf", 0, "0 of 1 recovered", damage=f"noise {BAG}", writes="shelf/* shelf/*/*"
    ),
    # label
    user(
        "label",
        f"clips label {CLIP} casual_override --by ann --note 'other lane'",
        0,
        "casual_override",
        writes=MANIFEST,
    ),
    user("label of no class", f"clips label {CLIP} casual", 2, "casual", "casual_override"),
    user("label nothing", "clips label none takeover", 2, "none"),
    breaker("label the file", f"clips label {BAG} takeover", 2, "folder"),
    breaker("label a broken one", f"clips label {CLIP} takeover", 2, "manifest", damage=f"noise {MANIFEST}"),
    attacker("label with an escape", f"clips label {CLIP} false_alarm --note '\x1b[2J'", 0, writes=MANIFEST),
    # prune
    user("prune without a policy", "clips prune shelf", 2, "expected --max-age"),
    user("prune what is old", "clips prune shelf --max-age 0d --include-unexported", 0, "1 to move to the trash"),
    user("prune keeps what was never exported", "clips prune shelf --max-age 0d --yes", 0, "withheld", "0 moved"),
    user(
        "prune for good",
        "clips prune shelf --max-age 0d --include-unexported --yes",
        0,
        "1 moved",
        writes="shelf/* shelf/*/*",
    ),
    user(
        "prune keeps the severe",
        "clips prune shelf --max-age 0d --keep-severity 0.4 --include-unexported --yes",
        0,
        "0 moved",
    ),
    user("prune nothing", "clips prune none --max-age 0d", 2, "none"),
    user("empty a trash that is not there", "clips prune shelf --empty-trash --yes", 0, "0 removed"),
    *(
        breaker(f"prune: age {text}", f"clips prune shelf --max-age={text} --yes", 2, "--max-age")
        for text in ("30", "d", "-1d", "nan", "1e3d", "3w", "99999999999999999999d", "３d")
    ),
    *(
        breaker(f"prune: size {text}", f"clips prune shelf --max-size={text} --yes", 2, "--max-size")
        for text in ("20", "GB", "-1GB", "infGB", "20gb", f"{'9' * 400}GB")
    ),
    *(
        breaker(
            f"prune: keep {text}",
            f"clips prune shelf --max-age 0d --keep-severity={text} --include-unexported --yes",
            2,
            "severity",
        )
        for text in ("nan", "5", "-0.1", "inf", "high")
    ),
    breaker("prune: the trash with an age", "clips prune shelf --empty-trash --max-age 0d --yes", 2, "--empty-trash"),
    attacker(
        "prune: a clip with somebody's work in it",
        "clips prune shelf --max-age 0d --include-unexported --yes",
        0,
        "withheld",
        damage=f"text {CLIP}/thesis/work.txt x",
    ),
    attacker(
        "prune: a folder with a manifest only",
        "clips prune shelf --max-age 0d --include-unexported --yes",
        0,
        damage=f"copy {MANIFEST} shelf/proj/manifest.json ; text shelf/proj/work.txt x",
        writes=f"{CLIP}* {CLIP}/*",
    ),
    attacker(
        "prune: a linked clip",
        "clips prune mine --max-age 0d --include-unexported --yes",
        0,
        "0 moved",
        damage=f"folder mine ; link {CLIP} mine/CLIP",
    ),
    # export
    user("export", "clips export shelf --out a.parquet", 0, "frames of 1 clips", writes=MANIFEST),
    user("export to lerobot", "clips export shelf --out set --format lerobot", 0, "frames of 1 clips", writes=MANIFEST),
    user(
        "export to foxglove", "clips export shelf --out set --format foxglove", 0, "frames of 1 clips", writes=MANIFEST
    ),
    user(
        "export to foxglove over a folder",
        "clips export shelf --out mine --format foxglove",
        2,
        "mine",
        damage="folder mine",
    ),
    breaker(
        "export to foxglove below a file",
        "clips export shelf --out a/b --format foxglove",
        2,
        "a",
        damage="text a mine",
    ),
    breaker(
        "export noise to foxglove",
        "clips export shelf --out set --format foxglove",
        2,
        "no clip can be exported",
        damage=f"noise {BAG}",
    ),
    breaker("export to foxglove in proc", "clips export shelf --out /proc/a --format foxglove", 2, "/proc"),
    user("export of no format", "clips export shelf --out a.csv --format csv", 2, "csv", "parquet"),
    user("export over a file", "clips export shelf --out a.parquet", 2, "exists", damage="text a.parquet mine"),
    user("export nothing", "clips export none --out a.parquet", 2, "none"),
    user("export an empty folder", "clips export mine --out a.parquet", 2, damage="folder mine"),
    breaker("export below a file", "clips export shelf --out a/b.parquet", 2, "a", damage="text a mine"),
    breaker("export to proc", "clips export shelf --out /proc/a.parquet", 2, "/proc"),
    breaker("export to 300 letters", f"clips export shelf --out {LONG}", 2, "File name too long"),
    breaker("export to a loop", "clips export shelf --out loop", 2, "loop", damage="loop loop"),
    # play
    user("play over a file", f"clips play {CLIP} --out a.gif", 2, "exists", damage="text a.gif mine"),
    user("play to no kind", f"clips play {CLIP} --out a.doc", 2, "a.doc"),
    user("play too fast", f"clips play {CLIP} --speed 100", 2, "--speed"),
    breaker("play at nan", f"clips play {CLIP} --out a.gif --speed nan", 2, "speed"),
    breaker("play below a file", f"clips play {CLIP} --out a/b.gif", 2, "a", damage="text a mine"),
    breaker("play the file", f"clips play {BAG}", 2, "--out"),
    # replay
    user("replay with another model", f"replay {CLIP} --model m.onnx", 0, "the same"),
    user("replay through no node", f"replay {CLIP} --model novice --node arbitr", 2, "arbitr", "policy"),
    user("replay with a model typo", f"replay {CLIP} --model basline", 2, "did you mean baseline"),
    user("replay without a model", f"replay {CLIP}", 2, "--model"),
    user("replay as json", f"replay {CLIP} --model novice --json -", 0, '"ok": true'),
    user("replay nothing", "replay none --model novice", 2, "none"),
    *broken_file(f"replay {CLIP} --model m.onnx", "m.onnx", "m.onnx", kinds="missing empty cut noise flip folder"),
)
