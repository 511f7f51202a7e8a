"""Keeps the classifier of this version, so that a later one can still judge by it.

    python tests/detectors/features/keep_classifier.py

Run it on what was released, before weights or lexicons are changed.
"""

from __future__ import annotations

from pathlib import Path

from detectors.features.calibration import classifier_digest
from detectors.features.classifier import document

KEPT = Path(__file__).parents[3] / "detectors" / "features" / "classifiers"

if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{classifier_digest()}.json").write_text(document(), "utf-8")
