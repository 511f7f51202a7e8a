"""Counts ``detectors/features/calibration.json`` again, the same bytes every time.

    LABELLED_DATA=<folder> python tests/detectors/features/measure_calibration.py

Each source is judged with weights fitted without it, so that the counts speak for answers not
seen before. (The lexicons were written with these sources in sight; answers of another
deployment may fare worse. An operator's own calibration says how they do.)
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fit_delivery import SOURCES, WEIGHTS, examples, fit, own_examples, rows

from detectors.features.calibration import write_calibrations
from detectors.features.classifier import classifier
from detectors.features.delivery import Weights, weights
from detectors.features.judgement import judge_text
from detectors.records.calibration import Calibration

CALIBRATION = WEIGHTS.with_name("calibration.json")


def document(folder: Path) -> str:
    labelled = rows(folder)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for source in sorted({row["source"] for row in labelled}):
        others = tuple(name for name in SOURCES if name != source)
        bias, withheld = fit([*examples(labelled, others), *own_examples()])
        unseen = dataclasses.replace(classifier(), weights=Weights(bias, withheld, weights().threshold))
        for row in labelled:
            if row["source"] == source:
                said = judge_text(row["response"], by=unseen).label == "refusal"
                tally = counts[row["language"]]
                at = 0 if row["label"] == "refusal" else 2
                tally[at] += said == (at == 0)
                tally[at + 1] += 1
    return write_calibrations({tag: Calibration(*tally) for tag, tally in counts.items()})


if __name__ == "__main__":
    CALIBRATION.write_text(document(Path(os.environ["LABELLED_DATA"])), "utf-8")
