"""The shell around the detectors: processes, sockets, wire formats, storage, export, the command line."""

__version__ = "0.1.0"
