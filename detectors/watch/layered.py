"""Strata whose trials are counted language by language: ``4-7|tr`` is the layer ``tr`` of the stratum ``4-7``.

Languages are refused at rates of their own, so that the rate of a stratum moves with the mix of languages in it though the
model is as it was. Compared layer by layer (``stats/layered_tail.py``) it does not.
"""

from __future__ import annotations

from detectors.watch.open_tick import Series

_SIGN = "|"
"""Stands in no label that comes from traffic: the shell folds those that hold it."""


def layered(series: Series, language: str) -> Series:
    """The layer of a stratum, which is the stratum itself where no language is known.

    >>> layered(("refusal_by_length", "4-7", "m"), "tr")
    ('refusal_by_length', '4-7|tr', 'm')
    """
    behaviour, stratum, model = series
    return (behaviour, f"{stratum}{_SIGN}{language}", model) if language else series


def stratum_of(layer: str) -> str:
    """The stratum of a layer; of a stratum itself.

    >>> stratum_of("4-7|tr"), stratum_of("4-7")
    ('4-7', '4-7')
    """
    return layer.partition(_SIGN)[0]


def whole(series: Series) -> Series:
    """The series of the stratum of a layer."""
    behaviour, stratum, model = series
    return behaviour, stratum_of(stratum), model
