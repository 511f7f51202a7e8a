"""What one exchange costs the monitor, by stage: ``python tests/bench/monitor.py``.

Builds the demo's traffic (ten languages, tools, streams, up to 17 turns) or reads recorded exchanges, and prints
microseconds of CPU a stage and exchange, median over rounds, and exchanges a second on one core. ``--answer 1000``
lengthens every answer to that many characters: the scripted ones are short.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1] / "support")  # not this folder: it holds no modules to import

from scripted import ScriptedModel

from detectors.catalog import behaviours
from detectors.features.extract import extract
from detectors.features.memory import Memory
from sidecar.demo.scenario import BEFORE
from sidecar.demo.script import Script
from sidecar.demo.traffic import conversation
from sidecar.gateway.capture import Capture
from sidecar.replay.recording import capture_of
from sidecar.wire.base import decode

STAGES = ("capture", "decode", "features", "memory", "behaviours")
SEED = 7


def scripted(count):
    model, number = ScriptedModel(Script(phases=(BEFORE,))), 0
    model.captures = captures = []
    while len(captures) < count:
        for _ in model.hold(conversation(SEED, number), f"c{number}", float(number)):
            pass
        number += 1
    return captures[:count]


def lengthened(exchange, characters):
    """Its answer in words repeated up to ``characters``; a refusal stays the refusal that it is, with more words."""
    longer = [
        dataclasses.replace(message, text=(f"{message.text}\n" * (characters // len(message.text) + 1))[:characters])
        if message.text
        else message
        for message in exchange.output_messages
    ]
    return dataclasses.replace(exchange, output_messages=tuple(longer))


def measure(records, answer):
    """Seconds by stage for all records, once through."""
    watched, memory, spent = behaviours(), Memory(SEED), dict.fromkeys(STAGES, 0.0)

    def timed(stage, work, *arguments):
        started = time.process_time()
        result = work(*arguments)
        spent[stage] += time.process_time() - started
        return result

    for record in records:
        exchange = timed("decode", decode, timed("capture", Capture.from_bytes, record))
        if exchange is not None:
            exchange = lengthened(exchange, answer) if answer else exchange
            features = timed("memory", memory.remember, exchange, timed("features", extract, exchange))
            timed("behaviours", observe, watched, exchange, features)
    return spent


def observe(watched, exchange, features):
    for behaviour in watched:
        list(behaviour.observe(exchange, features))
        if behaviour.measure:
            list(behaviour.measure(exchange, features))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="recorded exchanges, as `kilter replay` reads them")
    parser.add_argument("--exchanges", type=int, default=2000, help="of the demo's traffic [default: 2000]")
    parser.add_argument("--answer", type=int, default=0, metavar="N", help="characters of every answer in words")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    captures = [capture_of(json.loads(file.read_bytes())) for file in given.files] or scripted(given.exchanges)
    records = [b"".join(capture.to_parts()) for capture in captures]
    measure(records[:50], given.answer)  # loads lexicons and language models
    rounds = [measure(records, given.answer) for _ in range(given.rounds)]
    micros = {stage: statistics.median(1e6 * r[stage] / len(records) for r in rounds) for stage in STAGES}
    sys.stdout.write("| stage | µs an exchange |\n|---|---|\n")
    for stage, value in micros.items():
        sys.stdout.write(f"| {stage} | {value:.0f} |\n")
    total = sum(micros.values())
    looked = micros["features"] + micros["memory"] + micros["behaviours"]
    sys.stdout.write(
        f"\n{len(records)} exchanges; {1e6 / total:,.0f} a second with decoding, {1e6 / looked:,.0f} of features, "
        "memory and behaviours alone\n"
    )


if __name__ == "__main__":
    main()
