"""Kilter without a model server at hand: a scripted upstream, a small real model, and traffic."""
