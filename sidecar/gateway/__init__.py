"""The data plane: bytes from client to model server and back, and a bounded copy of them.

Rules of this folder: nothing here imports ``sidecar.wire``, ``sidecar.monitor``,
``sidecar.export`` or ``detectors``; nothing here waits for whoever reads the copy.
"""
