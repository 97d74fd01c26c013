"""The measurements are no installed package: they are found from the root of the repository, as `python -m` finds them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
