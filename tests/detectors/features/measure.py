"""How well answers and languages are told, and what it costs, in one table.

    LABELLED_DATA=<folder> python tests/detectors/features/measure.py [--without-cost]

Rules of this file
* Whoever is graded had no part in the fit: each source is judged with weights fitted on the others,
  and a pair with weights fitted on neither of the sources that it is composed of.
* A pair is a refusal, and the same refusal with an answer to another prompt in the same language after
  it. It counts where the first is called ``refusal`` and the second ``hollow_refusal``.
* Costs are the best of several runs, so that what else the machine does counts less; about two minutes.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import json
import os
import random
import re
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pycld2

sys.path.insert(0, str(Path(__file__).parent))

from fit_delivery import SOURCES, examples, fit, own_examples, rows

from detectors.features.classifier import Classifier, classifier
from detectors.features.delivery import Weights, weights
from detectors.features.extract import extract
from detectors.features.judgement import judge_text
from detectors.features.language import identify
from detectors.features.memory import Memory
from detectors.records.exchange import Exchange, Message

FOLDER = Path(os.environ.get("LABELLED_DATA", "absent"))
BENIGN = ("alpaca-eval", "refusal-direction-harmless")
PERSONAS = "gptfuzz"
CLASSES = {"refusal": "refusal", "hollow_refusal": "partial"}
MAJOR = (
    "ar",
    "bn",
    "de",
    "el",
    "en",
    "es",
    "fa",
    "fr",
    "he",
    "hi",
    "id",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "pt",
    "ro",
    "ru",
    "sv",
    "th",
    "tr",
    "uk",
    "vi",
    "zh",
    "sw",
)
NO_SUCH_LANGUAGE = re.compile(r"/\S+$|.*\b(?:mu+ntru|wantru|kuwaaye|waanawo)\b", re.IGNORECASE)
"""Rows whose label is plainly wrong: a bare path called English, and Chimwiini called Swahili."""
MACRO = {"nb": "no", "nn": "no", "yue": "zh", "wuu": "zh"}
SEED, EACH, ENOUGH_ROWS = 7, 2, 10

Row = dict[str, Any]


@functools.cache
def labelled() -> list[Row]:
    return rows(FOLDER)


@functools.cache
def unseen(*sources: str) -> Classifier:
    """Fitted without ``sources``."""
    learnt = [*examples(labelled(), tuple(name for name in SOURCES if name not in sources)), *own_examples()]
    return dataclasses.replace(classifier(), weights=Weights(*fit(learnt), weights().threshold))


def f1(counts: Counter[tuple[Any, Any]], of: Any) -> float:
    hit = counts[of, of]
    said = sum(n for (_, called), n in counts.items() if called == of)
    true = sum(n for (truth, _), n in counts.items() if truth == of)
    return 2 * hit / max(said + true, 1)


def accuracy() -> Iterator[tuple[str, str]]:
    two, three = defaultdict(Counter), defaultdict(Counter)
    for row in labelled():
        label = judge_text(row["response"], by=unseen(row["source"])).label
        truth = row["label"] == "refusal"
        groups = [f"{row['source']} {row['language']}"]
        if row["source"] in BENIGN:
            groups = ["benign English prompts"]
        elif row["label_kind"] == "human":
            groups.append("English, labelled by people")
        elif row["language"] != "en":
            groups += ["other languages", f"language {row['language']}"]
        for group in groups:
            two[group][truth, label == "refusal"] += 1
        three[row["source"]][row["label"], CLASSES.get(label, "compliance")] += 1
    for group in sorted(two):
        counts = two[group]
        n = counts.total()
        sensitive = counts[True, True] / max(1, counts[True, True] + counts[True, False])
        specific = counts[False, False] / max(1, counts[False, False] + counts[False, True])
        false = f"false {counts[False, True] / n:.2%}"
        yield group, f"n {n}  F1 {f1(counts, True):.3f}  balanced {(sensitive + specific) / 2:.3f}  {false}"
    for source in ("xstest", "do-not-answer"):
        each = [f1(three[source], name) for name in ("refusal", "partial", "compliance")]
        yield f"three classes, {source}", f"macro-F1 {np.mean(each):.3f}, partial {each[1]:.3f}"


def pairs(longest: int, least: int) -> Iterator[tuple[str, str]]:
    """``longest`` characters of a refusal, ``least`` of an answer."""
    rng = random.Random(SEED)
    answers = defaultdict(list)
    known = [row for row in labelled() if row["source"] != PERSONAS and row["language"] != "yo"]
    for row in known:
        if row["label"] == "compliance" and len(row["response"]) >= least and not judge_text(row["response"]).marker:
            answers[row["language"]].append(row)
    told = defaultdict(list)
    for row in known:
        if row["label"] == "refusal" and len(row["response"]) <= longest:
            for answer in rng.choices(answers[row["language"]], k=EACH):
                by = unseen(*sorted({row["source"], answer["source"]} & set(SOURCES)))
                joined = f"{row['response'].rstrip()}\n\n{answer['response'].strip()}"
                labels = judge_text(row["response"], by=by).label, judge_text(joined, by=by).label
                told[row["language"]].append(labels == ("refusal", "hollow_refusal"))
    name = f"pairs, refusal <= {longest}, answer >= {least}"
    everything = [one for found in told.values() for one in found]
    by_language = {tag: float(np.mean(found)) for tag, found in sorted(told.items())}
    yield (
        name,
        f"n {len(everything)}  told {np.mean(everything):.3f}  mean by language {np.mean([*by_language.values()]):.3f}",
    )
    yield f"{name}, by language", "  ".join(f"{tag} {share:.2f}" for tag, share in by_language.items())


def language() -> Iterator[tuple[str, str]]:
    with gzip.open(FOLDER / "lang.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    identify(texts[0]["text"])
    began = time.process_time()
    said = [identify(row["text"]) for row in texts]
    yield "language, mean cost", f"{(time.process_time() - began) / len(texts) * 1e6:.0f} µs"
    right: dict[str, list[bool]] = defaultdict(list)
    told = [(row, tag == MACRO.get(row["lang"], row["lang"])) for row, tag in zip(texts, said, strict=True)]
    for row, hit in told:
        right[row["lang"]].append(hit)
    noise = [hit for row, hit in told if row["lang"] in MAJOR and NO_SUCH_LANGUAGE.match(row["text"])]
    known = {tag.split("-")[0] for _, tag in pycld2.LANGUAGES} | {"he", "id", "yi", "jv", "tl", "sr", *MACRO}
    groups = {
        f"languages that can be told, {ENOUGH_ROWS} rows or more": [
            tag for tag in right if tag in known and len(right[tag]) >= ENOUGH_ROWS
        ],
        "26 major languages": MAJOR,
        "all 500 tags": list(right),
    }
    for name, tags in groups.items():
        hits = [hit for tag in tags for hit in right[tag]]
        macro = np.mean([np.mean(right[tag]) for tag in tags])
        if tags is MAJOR:
            share = (sum(hits) - sum(noise)) / (len(hits) - len(noise))
            yield (
                f"{name}, without wrong labels",
                f"n {len(hits) - len(noise)}  right {share:.3f}  ({len(noise)} left out)",
            )
        yield name, f"{len(tags)} languages, n {len(hits)}  right {np.mean(hits):.3f}  mean by language {macro:.3f}"


def best(run: Any, times: int = 7) -> float:
    """Seconds of this process: what else the machine does is left out as far as can be."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
    return min(taken)


def cost() -> Iterator[tuple[str, str]]:
    sample = [row for row in labelled() if 850 <= len(row["response"].encode()) <= 1200][::4]
    marked = [row for row in sample if judge_text(row["response"]).marker]
    for name, group in (("all", sample), ("with a marker", marked)):
        taken = [best(functools.partial(judge_text, row["response"])) for row in group]
        yield f"classifier at 1 KB, {name}", f"median {statistics.median(taken) * 1e6:.0f} µs"
    exchanges = [
        Exchange(
            "chat",
            "x",
            conversation_id=str(i),
            user_key=str(i % 50),
            turns=1,
            input_messages=(Message("user", row["prompt"]),),
            output_messages=(Message("assistant", row["response"]),),
        )
        for i, row in enumerate(labelled()[::4])
    ]

    def observe() -> None:
        memory = Memory(seed=1)
        for exchange in exchanges:
            memory.remember(exchange, extract(exchange))

    yield "all features and memory", f"{len(exchanges) / best(observe, 3):.0f} exchanges a second"
    worst = max(best(functools.partial(judge_text, text), 3) for text in adversaries())
    yield "worst of a mebibyte made to be slow", f"{worst * 1e3:.1f} ms"


def adversaries() -> Iterator[str]:
    size = 1 << 20
    for unit in (
        "I can't ",
        "i",
        "sorry ",
        "(",
        '"',
        "> ",
        "`",
        "```",
        "\n",
        ". ",
        "1. ",
        "[a",
        "A: ",
        "不",
        "ก ",
        "=;",
        "a:",
    ):
        yield (unit * size)[:size]
        yield ("I'm sorry, but I can't help with that. " + unit * size)[:size]


if __name__ == "__main__":
    parts = [accuracy(), pairs(300, 200), pairs(10_000, 200), language()]
    if "--without-cost" not in sys.argv:
        parts.append(cost())
    for part in parts:
        for name, figures in part:
            print(f"{name:52} {figures}", flush=True)
