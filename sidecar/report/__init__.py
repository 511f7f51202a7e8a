"""What a period showed, out of the evidence log alone: numbers, their limits, and what was not measured."""
