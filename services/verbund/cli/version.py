"""Which Verbund this is."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

import verbund

#: Raised when files of an older store cannot be read as they are.
STORE_FORMAT: Final = 1

_DIGEST_LENGTH = 12
_GIT_PATIENCE_S = 1.0


def show() -> None:
    """Print version, commit if known, digest of all schemas, and store format."""
    commit = commit_of(Path(verbund.__file__).parent)
    known = f", commit {commit}" if commit else ""
    sys.stdout.write(
        f"verbund {verbund.__version__}{known}, schemas {schema_digest()}, store format {STORE_FORMAT}, "
        f"Python {'.'.join(map(str, sys.version_info[:3]))}\n"
    )


def commit_of(folder: Path) -> str | None:
    """The commit of the checkout that this package runs from; None for an installed one."""
    checkout = next((parent for parent in folder.parents if (parent / ".git").exists()), None)
    if checkout is None or not (checkout / "services" / "verbund").is_dir():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=10"],
            capture_output=True,
            text=True,
            timeout=_GIT_PATIENCE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def schema_digest() -> str:
    """Short digest over all schema files: two hubs with the same one understand each other's events."""
    import verbund_schemas

    digest = hashlib.sha256()
    root = Path(verbund_schemas.__file__).parent
    for path in sorted((*root.glob("types/*.avsc"), *root.glob("events/*.avsc"))):
        digest.update(f"{path.parent.name}/{path.name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_DIGEST_LENGTH]
