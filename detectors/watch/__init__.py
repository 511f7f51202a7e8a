"""From counts to verdicts: what counts, tick by tick, against a baseline. ``analysis.py`` is the way in."""
