"""The experiments are modules of this folder, shared by the quick tests and the command."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
