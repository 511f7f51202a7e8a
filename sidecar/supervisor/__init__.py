"""Binds the sockets, starts and restarts the workers and the monitor, owns the admin listener.

Rules of this folder: standard library, aiohttp and prometheus_client only, and nothing of
the monitor's side, so that health and data-plane metrics never depend on it.
"""
