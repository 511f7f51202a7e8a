"""``python -m sidecar`` is ``kilter``."""

from sidecar.cli import main

if __name__ == "__main__":
    main()
