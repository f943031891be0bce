"""Driving: drive and eval. What is refused is refused before anything is driven."""

from __future__ import annotations

from trial.case import Case, attacker, breaker, broken_file, user

LONG = "x" * 300
SEEDS = {
    "words": "nine",
    "backwards": "9-0",
    "below zero": "-3",
    "a gap": "1,,2",
    "an unknown split": "train:0-3",
    "a huge range": "0-3000000000",
    "too many": "training:0-200000",
    "over a split": "0-1000000",
    "nothing": "",
    "spaces": "' '",
    "1e3": "1e3",
    "5000 digits": "9" * 5000,
    "full width": "０-５",
    "a fraction": "0.5",
    "beyond the last": "99999999999",
    "beyond a split": "test:2000000",
    "two splits": "test:collection:1",
    "nan": "nan",
}
MODELS = {"none.onnx": "none.onnx", "Expert": "did you mean expert", "basline": "did you mean baseline"}


def _of(verb: str) -> list[Case]:
    """What holds for both verbs."""
    short = f"{verb} --suite cut_in --seeds 0"
    return [
        *(
            breaker(f"{verb}: seeds of {kind}", f"{verb} --model expert --suite cut_in --seeds={text}", 2, "--seeds")
            for kind, text in SEEDS.items()
        ),
        *(user(f"{verb}: model {model}", f"{short} --model {model}", 2, says) for model, says in MODELS.items()),
        *broken_file(
            f"{short} --model m.onnx", "m.onnx", "m.onnx", kinds="missing empty cut noise zeros folder loop flip text"
        ),
        *broken_file(
            f"{short} --model m.onnx", "m.manifest.json", "m.manifest.json", kinds="empty cut noise folder text"
        ),
        breaker(
            f"{verb}: manifest of another model",
            f"{short} --model m.onnx",
            2,
            "m.manifest.json",
            damage=f'set m.manifest.json sha256 "{"0" * 64}"',
        ),
        breaker(f"{verb}: manifest null", f"{short} --model m.onnx", 2, "manifest", damage="text m.manifest.json null"),
        attacker(f"{verb}: manifest deep", f"{short} --model m.onnx", 2, "manifest", damage="deep m.manifest.json"),
        attacker(f"{verb}: model a pickle", f"{short} --model m.onnx", 2, "m.onnx", damage="pickle m.onnx"),
        attacker(f"{verb}: model /etc/passwd", f"{short} --model /etc/passwd", 2, "/etc/passwd"),
        attacker(f"{verb}: model /dev/null", f"{short} --model /dev/null", 2, "/dev/null"),
        attacker(f"{verb}: model of markup", f"{short} --model '[/red]'", 2, "[/red]"),
        attacker(f"{verb}: model of an escape", f"{short} --model '\x1b]0;x\x07'", 2, "\\x1b]0;x\\x07"),
        attacker(f"{verb}: model of emoji", f"{short} --model root:x:0", 2, "root:x:0"),
        breaker(f"{verb}: model a folder", f"{short} --model shelf", 2, "shelf"),
        breaker(f"{verb}: model of 300 letters", f"{short} --model {LONG}", 2, "xxx"),
        breaker(f"{verb}: model empty", f"{short} --model ''", 2, "model"),
        user(f"{verb}: no model", f"{verb}", 2, "--model"),
        user(f"{verb}: suite typo", f"{verb} --model expert --suite cutin", 2, "did you mean cut_in"),
        user(f"{verb}: suite unknown", f"{verb} --model expert --suite motorway", 2, "demo", "cut_in"),
        attacker(f"{verb}: suite a path", f"{verb} --model expert --suite ../../etc/passwd", 2, "unknown"),
        attacker(f"{verb}: suite of an escape", f"{verb} --model expert --suite '\x1b[31m'", 2, "\\x1b[31m"),
        breaker(f"{verb}: suite empty", f"{verb} --model expert --suite ''", 2, "suite"),
        user(f"{verb}: simulator unknown", f"{short} --model expert --sim carla", 2, "metadrive"),
        breaker(f"{verb}: no workers", f"{short} --model expert --workers 0", 2, "--workers"),
        breaker(f"{verb}: workers below zero", f"{short} --model expert --workers -2", 2, "--workers"),
        user(
            f"{verb}: workers unknown", f"{short} --model expert --workers-kind cloud", 2, "'cloud'", "processes, ray"
        ),
        user(f"{verb}: ray and processes", f"{short} --model expert --ray 127.0.0.1:9", 2, "--workers-kind ray"),
        user(f"{verb}: ray nowhere", f"{short} --model expert --workers-kind ray", 2, "--ray HOST:PORT", "RAY_ADDRESS"),
        user(
            f"{verb}: ray not there", f"{short} --model expert --workers-kind ray --ray 127.0.0.1:9", 2, "127.0.0.1:9"
        ),
        breaker(
            f"{verb}: ray a name", f"{short} --model expert --workers-kind ray --ray head", 2, "'head'", "HOST:PORT"
        ),
        breaker(f"{verb}: half a worker", f"{short} --model expert --workers 0.5", 2, "--workers"),
        breaker(f"{verb}: a million workers", f"{short} --model expert --workers 1000000", 2, "--workers"),
        user(
            f"{verb}: json is there",
            f"{short} --model expert --json a.json",
            2,
            "a.json",
            "exists",
            damage="text a.json mine",
        ),
        breaker(f"{verb}: json a folder", f"{short} --model expert --json a.json", 2, "a.json", damage="folder a.json"),
        breaker(f"{verb}: json below a file", f"{short} --model expert --json a/b.json", 2, "'a'", damage="text a x"),
        breaker(f"{verb}: json in proc", f"{short} --model expert --json /proc/a.json", 2, "/proc"),
        breaker(f"{verb}: json of 300 letters", f"{short} --model expert --json {LONG}", 2, "File name too long"),
        breaker(f"{verb}: json of no name", f"{short} --model expert --json none/..", 2, ".."),
        breaker(f"{verb}: json loops", f"{short} --model expert --json loop", 2, "loop", damage="loop loop"),
        user(f"{verb}: an argument too many", f"{short} --model expert 5", 2, "5"),
    ]


DRIVEN = "drive --model expert --suite intersection_right --seeds training:0 --bags driven --record all"
LIVE = "drive --model expert --sim vector --suite intersection_right --seeds training:0"
CASES: tuple[Case, ...] = (
    *_of("drive"),
    user("drive: live, many at once", f"{LIVE} --live --workers 2", 2, "--workers 1"),
    *(
        breaker(f"drive: live at {text}", f"{LIVE} --live-at '{text}'", 2, "--live-at", "HOST:PORT")
        for text in ("", "8765", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", ":8765", "::1:8765", "127.0.0.1:-1")
    ),
    attacker("drive: live at an escape", f"{LIVE} --live-at '\x1b[31m:1'", 2, "\\x1b[31m"),
    breaker("drive: live where nobody is", f"{LIVE} --live-at 203.0.113.1:8765", 2, "cannot listen on", "--live-at"),
    *_of("eval"),
    user("eval: a pass unknown", "eval --model expert --passes both", 2, "both", "unassisted,assisted"),
    breaker("eval: no pass", "eval --model expert --passes ''", 2, "--passes"),
    user(
        "eval: films into a folder of mine",
        "eval --model expert --suite cut_in --seeds 0 --film-failures mine",
        2,
        "nothing is overwritten",
        damage="text mine/a.txt x",
    ),
    breaker(
        "eval: films into a file",
        "eval --model expert --suite cut_in --seeds 0 --film-failures mine",
        2,
        "mine",
        damage="text mine x",
    ),
    breaker(
        "eval: kept episodes of something else",
        "eval --model expert --suite cut_in --seeds 0 --json a.json",
        2,
        "a.json.episodes.jsonl",
        damage="text a.json.episodes.jsonl {}",
    ),
    attacker("drive: live at markup", "drive --model expert --suite cut_in --live-at '[/x]:x'", 2, "[/x]:x"),
    user("drive: record what", "drive --model expert --record films", 2, "films", "clips, all"),
    user(
        "drive: bags in a folder of mine",
        "drive --model expert --bags mine",
        2,
        "nothing is overwritten",
        damage="text mine/thesis.txt x",
    ),
    breaker("drive: bags in a file", "drive --model expert --bags mine", 2, "mine", damage="text mine x"),
    breaker("drive: bags below a file", "drive --model expert --bags mine/x", 2, "mine", damage="text mine x"),
    breaker("drive: bags in proc", "drive --model expert --bags /proc/bags", 2, "/proc/bags"),
    breaker("drive: bags of 300 letters", f"drive --model expert --bags {LONG}", 2, "File name too long"),
    breaker("drive: bags in a loop", "drive --model expert --bags loop", 2, "loop", damage="loop loop"),
    user("drive: a finished run again", DRIVEN, 0, "1 clips in driven"),
    user("drive: a finished run with other seeds", DRIVEN.replace("training:0", "training:1"), 2, "seeds"),
    user("drive: a finished run with another record", DRIVEN.replace(" --record all", ""), 2, "record"),
    user("drive: a finished run with another model", DRIVEN.replace("expert", "novice"), 2, "model"),
    user("drive: a finished run with another suite", DRIVEN.replace("intersection_right", "cut_in"), 2, "families"),
    *(
        breaker(f"drive: journal {kind}", DRIVEN, 2, "episodes.jsonl", damage=damage)
        for kind, damage in {
            "noise": "noise driven/episodes.jsonl",
            "folder": "folder driven/episodes.jsonl",
            "null": "text driven/episodes.jsonl null\\n",
            "list": "text driven/episodes.jsonl []\\n",
            "loop": "loop driven/episodes.jsonl",
            "other": 'text driven/episodes.jsonl {"a": 1}\\n',
            "a line more": 'append driven/episodes.jsonl {"key": [], "result": {}}\\n',
            "a result of null": 'append driven/episodes.jsonl {"key": "x", "result": null}\\n',
            "no settings": 'text driven/episodes.jsonl {"settings": null}\\n',
        }.items()
    ),
    attacker("drive: journal deep", DRIVEN, 2, "episodes.jsonl", damage="deep driven/episodes.jsonl"),
)
