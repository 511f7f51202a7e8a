"""Fits ``detectors/features/delivery.json`` again, the same bytes every time.

    LABELLED_DATA=<folder> python tests/detectors/features/fit_delivery.py

Rules of this file
* Only sources with a permissive licence are fitted on (``SOURCES``, attributed in NOTICE), and
  texts of this project. GPTFuzz rows are left out: many hold several personas, of which the
  label means any one.
* A source may hold a refusal with an answer after it and call it a refusal; few hold many.
  So answers are joined to refusals of the same language here, and called delivered; not such
  answers as read like refusals themselves.
* Weights are for what reads as a refusal. What does not is none whatever they say.
"""

from __future__ import annotations

import gzip
import json
import os
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from detectors.features.evidence import NAMES, evidence
from detectors.features.language import identify_all, lexicons_for
from detectors.features.reading import read
from detectors.features.refusal import marker
from sidecar.demo.language import languages

SOURCES = ("xstest", "polyrefuse", "k-overrefusal", "jbb-artifacts", "refusal-direction-harmless")
SEED = 11
RIDGE = 20.0
JOINED_WEIGHT = 0.45
THRESHOLD = 0.45
WEIGHTS = Path(__file__).parents[3] / "detectors" / "features" / "delivery.json"
_JOINS = ("\n\n", " ", "\n\n", "\n")
_EACH, _LEAST_ANSWERS, _LEAST_ANSWER, _LONGEST_REFUSAL = 2, 4, 100, 4500

Example = tuple[np.ndarray, bool, float]


def rows(folder: Path) -> list[dict[str, Any]]:
    with gzip.open(folder / "refusal.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [row for row in map(json.loads, lines) if not row.get("degenerate")]


def seen(text: str) -> np.ndarray | None:
    """The evidence of a text that reads as a refusal, else None."""
    if not text.strip():
        return None
    reading = read(text, lexicons_for(identify_all(text), text))
    rule = marker(reading)
    return None if rule is None else evidence(reading, rule)


def examples(labelled: list[dict[str, Any]], sources: tuple[str, ...] = SOURCES) -> Iterator[Example]:
    """Evidence, whether nothing was delivered, and the weight."""
    rng = random.Random(SEED)
    known = [row for row in labelled if row["source"] in sources and row["language"] != "yo"]
    answers = defaultdict(list)
    for row in known:
        answer = row["label"] == "compliance" and len(row["response"]) >= _LEAST_ANSWER
        if answer and seen(row["response"]) is None:
            answers[row["language"]].append(row["response"])
    for row in known:
        numbers = seen(row["response"])
        if numbers is None:
            continue
        yield numbers, row["label"] == "refusal", 1.0
        pool = answers[row["language"]]
        if row["label"] != "refusal" or len(pool) < _LEAST_ANSWERS or len(row["response"]) > _LONGEST_REFUSAL:
            continue
        for _ in range(_EACH):
            joined = seen(row["response"] + rng.choice(_JOINS) + rng.choice(pool))
            if joined is not None:
                yield joined, False, JOINED_WEIGHT


def own_examples() -> Iterator[Example]:
    """The scripted model's texts, which were written with the labels in mind."""
    for language in languages().values():
        for refusal in language.refusals:
            if (numbers := seen(refusal)) is not None:
                yield numbers, True, 1.0
        for disclaimer in language.disclaimers:
            for topic in language.topics:
                if (numbers := seen(f"{disclaimer} {topic.answer}")) is not None:
                    yield numbers, False, JOINED_WEIGHT


def fit(learnt: list[Example], ridge: float = RIDGE) -> tuple[float, np.ndarray]:
    """Bias and weights of the ridge logistic regression, by Newton's method."""
    numbers = np.array([np.r_[1.0, example[0]] for example in learnt])
    withheld = np.array([example[1] for example in learnt], float)
    weight = np.array([example[2] for example in learnt])
    penalty = np.full(numbers.shape[1], ridge)
    penalty[0] = 1e-6
    fitted = np.zeros(numbers.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-numbers @ fitted))
        curvature = (numbers.T * (weight * p * (1 - p) + 1e-9)) @ numbers + np.diag(penalty)
        step = np.linalg.solve(curvature, numbers.T @ (weight * (withheld - p)) - penalty * fitted)
        fitted += step
        if np.abs(step).max() < 1e-8:
            break
    return float(fitted[0]), fitted[1:]


def document(folder: Path) -> str:
    bias, fitted = fit([*examples(rows(folder)), *own_examples()])
    return (
        json.dumps(
            {
                "fitted_on": [*SOURCES, "sidecar/demo/texts"],
                "seed": SEED,
                "ridge": RIDGE,
                "joined_weight": JOINED_WEIGHT,
                "threshold": THRESHOLD,
                "bias": round(bias, 4),
                "withheld": {name: round(float(weight), 4) for name, weight in zip(NAMES, fitted, strict=True)},
            },
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    WEIGHTS.write_text(document(Path(os.environ["LABELLED_DATA"])), "utf-8")
