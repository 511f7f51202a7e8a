"""Canaries: what Kilter asks a model on its own account, how it judges, how it stays honest."""
