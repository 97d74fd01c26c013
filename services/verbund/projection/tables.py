"""Tables of views: made, and made anew when a view's version rises."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection, Engine, delete, insert, select, update

from verbund.errors import ViewUnavailableError
from verbund.projection import Projection, parking, positions
from verbund.projection.positions import ledger, projections

log = structlog.get_logger()

#: `Table(info=KEEP)`: the table outlives a reset, since what it holds cannot be derived from the log.
KEEP = {"verbund.keep": True}


def prepare(engine: Engine, views: Sequence[Projection]) -> None:
    """Make missing tables; reset each view whose stored version is older.

    Raises:
        ViewUnavailableError: a stored version is newer than this program.
    """
    with engine.begin() as tx:
        positions.lock_setup(tx)
        ledger.create_all(tx)
        for view in views:
            stored = tx.scalar(select(projections.c.version).where(projections.c.view == view.name))
            if stored is None:
                tx.execute(insert(projections).values(view=view.name, version=view.version))
            elif stored < view.version:
                _make_anew(tx, view)
                log.info("projection_reset", projection=view.name, version=view.version, from_version=stored)
            elif stored > view.version:
                raise ViewUnavailableError(
                    "View {view} has version {stored} in the database, this program knows {version}. "
                    "Use the newer program, or rebuild the view with this one.",
                    view=view.name,
                    stored=stored,
                    version=view.version,
                )
            view.metadata.create_all(tx)


def forget_place(tx: Connection, view: Projection) -> None:
    """Read the view from the start again."""
    positions.put(tx, view.name, {})
    parking.forget(tx, view.name)


def _make_anew(tx: Connection, view: Projection) -> None:
    tables = [table for table in view.metadata.sorted_tables if table.info != KEEP]
    view.metadata.drop_all(tx, tables=tables)
    forget_place(tx, view)
    tx.execute(update(projections).where(projections.c.view == view.name).values(version=view.version))


def drop(tx: Connection, view: Projection) -> None:
    """Remove a view and its place, but for what outlives a reset."""
    _make_anew(tx, view)
    tx.execute(delete(projections).where(projections.c.view == view.name))
