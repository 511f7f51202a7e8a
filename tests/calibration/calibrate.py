"""Measures what the drift statistics promise, beside peers, and prints it.

    python tests/calibration/calibrate.py [--whole] [--runs N] [--only NAME ...] [--picture FILE.svg]

Reduced by default; ``--whole`` is what the README's table wants.
"""

import argparse
import sys
import time

from delay_picture import draw
from drift_experiments import (
    conversations,
    delays,
    false_alarms_by_cell,
    localisation,
    peers_false_alarms,
    present_from_the_start,
    zipf_users,
)
from house_experiments import cost, mix_months, months, quiet_months, transitions

EXPERIMENTS = {
    # name: (experiment, runs reduced, runs whole)
    "cells": (false_alarms_by_cell, 300, 2000),
    "peers": (peers_false_alarms, 200, 1000),
    "delays": (delays, 200, 2000),
    "start": (present_from_the_start, 200, 1000),
    "localisation": (localisation, 1000, 4000),
    "conversations": (conversations, 300, 2000),
    "users": (zipf_users, 40, 300),
    "months": (months, 10, 40),
    "quiet": (quiet_months, 5, 40),
    "mix": (mix_months, 10, 40),
    "transitions": (transitions, 20, 80),
    "cost": (cost, 0, 0),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--runs", type=int, help="streams (or months) an experiment, instead")
    parser.add_argument("--only", nargs="*", choices=list(EXPERIMENTS), default=list(EXPERIMENTS))
    parser.add_argument("--picture")
    arguments = parser.parse_args()
    rows, broken = [], 0
    print("| experiment | method | case | measured | target |\n|---|---|---|---|---|")
    for name in arguments.only:
        experiment, reduced, whole = EXPERIMENTS[name]
        began = time.monotonic()
        for row in experiment(arguments.runs or (whole if arguments.whole else reduced)):
            rows.append(row)
            broken += not row.kept
            print(line(row), flush=True)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    if arguments.picture:
        draw(rows, arguments.picture)
    print(f"{broken} of {sum(row.target is not None for row in rows)} targets missed", file=sys.stderr)
    return 1 if broken else 0


def line(row):
    sign = "" if row.target is None else f"{'≥' if row.at_least else '≤'} {row.target:.4g}"
    error = f" ± {row.error:.2g}" if row.error else ""
    mark = "" if row.kept else " **missed**"
    return f"| {row.experiment} | {row.method} | {row.what} | {row.measured:.4g}{error} {row.unit} | {sign}{mark} |"


if __name__ == "__main__":
    sys.exit(main())
