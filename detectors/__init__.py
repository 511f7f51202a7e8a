"""What is watched, and how: the pure core of Kilter.

No file below this folder does I/O, reads a clock, logs, or knows that HTTP exists:
time and randomness are arguments. Imports point one way,
``catalog -> behaviours -> features | stats -> records``.
"""
