"""Rounds of learning: a round that goes on, train collect, train rounds, train final; and models of NaN, anywhere."""

from __future__ import annotations

from trial.case import Case, attacker, breaker, user
from trial.cases_learn import NEW, ROUND

COLLECT = "train collect --model novice --suite intersection_right --seeds collection:0 --workers 1"
UNFINISHED = "set round1/round.json result null"

CASES: tuple[Case, ...] = (
    *(
        breaker(f"a network of NaN: {command[:18]}", command, 2, "m.onnx", "not finite", damage="nan m.onnx")
        for command in (
            "model verify m.onnx",
            "model show m.onnx",
            "model bundle m.onnx --release 4 --out new.tar.zst",
            "drive --model m.onnx --suite cut_in --seeds 0",
            "eval --model m.onnx --suite cut_in --seeds 0",
            "replay shelf/CLIP --model m.onnx",
            "dream shelf/CLIP --model m.onnx",
            NEW.replace("novice", "m.onnx"),
            "train collect --model m.onnx --out new",
            "train rounds --out new --parent m.onnx",
        )
    ),
    attacker(
        "model verify: weights in another file",
        "model verify m.onnx",
        2,
        "another file",
        damage="external m.onnx ; text weights.bin x",
    ),
    *(
        breaker(
            f"round: goes on over {name}",
            ROUND,
            code,
            *says,
            damage=f"{UNFINISHED} ; {damage}",
            writes="round1/* round1/cache/*",
        )
        for name, damage, code, *says in (
            ("an empty stage", "empty round1/1-dagger.pt", 2, "1-dagger.pt"),
            ("half a stage", "cut round1/2-preference.pt", 2, "2-preference.pt"),
            ("a stage of noise", "noise round1/1-dagger.pt", 2, "1-dagger.pt"),
            ("an empty cache index", "empty round1/cache/index.json ; remove round1/1-dagger.pt", 0, "model.onnx"),
            ("a cache of noise", "text round1/cache/index.json x ; remove round1/1-dagger.pt", 0, "model.onnx"),
            ("a cache that is gone", "remove round1/cache ; remove round1/1-dagger.pt", 0, "model.onnx"),
        )
    ),
    # train collect
    user("collect by no model", "train collect --model none.onnx --out new", 2, "none.onnx"),
    user("collect by the expert", "train collect --model expert --out new", 2, "expected a policy"),
    user("collect on test seeds", "train collect --model novice --seeds 0-3 --out new", 2, "seed 0 is a test seed"),
    user(
        "collect in a folder of mine",
        "train collect --model novice --out mine",
        2,
        "mine",
        damage="text mine/thesis.txt x",
    ),
    user(
        "collect into a link to a folder of mine",
        "train collect --model novice --out here",
        2,
        "here",
        damage="text mine/thesis.txt x ; link mine here",
    ),
    breaker(
        "collect into a link that leads nowhere",
        "train collect --model novice --out here",
        2,
        "here",
        damage="link nowhere here",
    ),
    breaker("collect into a link to itself", "train collect --model novice --out here", 2, "here", damage="loop here"),
    user(
        "collect into a link to a new folder",
        f"{COLLECT} --out here",
        0,
        "all",
        damage="folder elsewhere ; link elsewhere here",
        writes="elsewhere/*",
    ),
    attacker(
        "collect over a journal that is a link",
        f"{COLLECT} --out rows",
        2,
        "is a link",
        damage='text mine.txt {"a": 1}\\n ; text rows/x y ; link mine.txt rows/episodes.jsonl',
    ),
    attacker(
        "collect over an index that is a link",
        f"{COLLECT} --out rows",
        2,
        "not empty",
        damage="text mine.txt work ; folder rows ; link mine.txt rows/index.json",
    ),
    breaker("collect into a file", "train collect --model novice --out mine", 2, "mine", damage="text mine x"),
    breaker("collect with no workers", "train collect --model novice --workers 0 --out new", 2, "--workers"),
    # train rounds, train final
    breaker("rounds: batched in MetaDrive", "train rounds --batched --out new", 2, "--sim vector"),
    user("rounds of no parent", "train rounds --out new --parent none.onnx", 2, "none.onnx"),
    user("rounds of no suite", "train rounds --out new --suite motorway", 2, "motorway"),
    user("rounds in a folder of mine", "train rounds --out mine", 2, "mine", damage="text mine/thesis.txt x"),
    breaker("rounds: none", "train rounds --out new --rounds 0", 2, "--rounds"),
    breaker("rounds: no workers", "train rounds --out new --workers 0", 2, "--workers"),
    breaker("rounds: options with half a quote", 'train rounds --out new --options \\"', 2, "--options", "quotation"),
    breaker("rounds: options of no number", "train rounds --out new --options '--beta nan'", 2, "--beta", "finite"),
    breaker("rounds: options there are not", "train rounds --out new --options '--betta 1'", 2, "--betta", "--beta"),
    breaker("rounds: options of no rule", "train rounds --out new --options '--rule magic'", 2, "magic", "recorded"),
    breaker("rounds: options of no loss", "train rounds --out new --options '--loss x'", 2, "loss", "dpo"),
    breaker("rounds: options of no bucket", "train rounds --out new --options '--share x=1'", 2, "'x'", "takeover"),
    *(
        breaker(
            f"rounds: options that are the loop's own: {option.split()[0]}",
            f"train rounds --out new --options '{option}'",
            2,
            "the loop itself says",
            option.split()[0],
        )
        for option in ("--out x", "--parent m.onnx", "--clips shelf", "--cache x", "--workers 3")
    ),
    user("rounds: demonstrations of no suite", "train rounds --out new --demonstrated motorway", 2, "motorway"),
    breaker("rounds: more seeds than there are", "train rounds --out new --selection 2000000", 2, "--selection"),
    breaker("rounds: more drives than there are", "train rounds --out new --drives 2000000", 2, "--drives"),
    breaker("rounds: in a file", "train rounds --out mine", 2, "mine", damage="text mine x"),
    user("final of nothing", "train final none", 2, "none"),
    user("final of a folder of mine", "train final mine", 2, "mine", damage="text mine/thesis.txt x"),
    breaker("final: a loop.json of letters", "train final mine", 2, "loop.json", damage="text mine/loop.json x"),
    breaker("final: seeds of words", "train final mine --seeds nine", 2, damage="text mine/loop.json {}"),
)
