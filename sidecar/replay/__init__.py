"""Recorded exchanges through the monitor's own pipeline; the clock is the records'."""
