"""Every version ever shipped, kept for good: `shipped/<name>/<n>.avsc`, and a lock that tells an edited file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from verbund_schemas._schemas import Schema, digest, expanded, stored_names

#: Where the versions are in a checkout; an installed wheel has the same folder, but nobody writes there.
SHIPPED = Path(__file__).parent / "shipped"

_LOCK = "lock.json"


def freeze(schemas: dict[str, Schema] | None = None, *, folder: Path = SHIPPED) -> list[str]:
    """Write a version of each schema whose shape was not shipped yet; the paths that are new, in `folder`.

    A change of docs or labels alone is no new version.

    Args:
        schemas: expanded ones by name; None: today's of all that is stored.
        folder: where the versions are.
    """
    lock = _lock(folder)
    new = []
    for name, schema in sorted((schemas or today()).items()):
        versions = {entry["schema"] for path, entry in lock.items() if path.startswith(f"{name}/")}
        if digest(schema) in versions:
            continue
        path = f"{name}/{len(versions) + 1}.avsc"
        text = json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        lock[path] = {"schema": digest(schema), "file": _sha256(text.encode())}
        new.append(path)
    if new:
        (folder / _LOCK).write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return new


def problems(schemas: dict[str, Schema] | None = None, *, folder: Path = SHIPPED) -> list[str]:
    """What is not frozen, and what was edited, lost or slipped in after it was frozen; empty when all is well."""
    lock = _lock(folder)
    frozen = {(path.partition("/")[0], entry["schema"]) for path, entry in lock.items()}
    found = [
        f"{name}: today's schema is not frozen; run `python -m verbund_schemas freeze`"
        for name, schema in sorted((schemas or today()).items())
        if (name, digest(schema)) not in frozen
    ]
    for path, entry in lock.items():
        if not (folder / path).is_file():
            found.append(f"{path}: was shipped and is gone; bring it back")
        elif _sha256((folder / path).read_bytes()) != entry["file"]:
            found.append(f"{path}: was edited after it was shipped; bring the old text back")
        elif digest(json.loads((folder / path).read_bytes())) != entry["schema"]:
            found.append(f"{path}: the lock names another schema than the file holds; bring the lock back")
    files = {file.relative_to(folder).as_posix() for file in folder.glob("*/*.avsc")}
    return found + [
        f"{path}: is not in the lock; freeze writes versions, nobody else" for path in sorted(files - set(lock))
    ]


def today() -> dict[str, Schema]:
    """Today's schemas of all that is stored, by name."""
    return {name: expanded(name) for name in stored_names()}


def _lock(folder: Path) -> dict[str, Any]:
    path = folder / _LOCK
    found: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
    return found


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
