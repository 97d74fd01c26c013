"""Read models: one file each. Rows and questions; nothing else in Verbund writes SQL about offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verbund.projection import Projection

#: Names of the views in SQL tables, in the order they are brought up to date.
SQL_VIEWS = ("offers", "history", "organisations", "contacts", "health", "rejects", "holds", "overrides", "changes")


def all_views() -> list[Projection]:
    """Every read model in SQL tables; imports them only now, so that naming this package costs nothing."""
    from verbund.views.changes import ChangesView  # noqa: PLC0415 - imports SQLAlchemy; see the docstring
    from verbund.views.contacts import ContactsView  # noqa: PLC0415 - the same
    from verbund.views.health import HealthView  # noqa: PLC0415 - the same
    from verbund.views.history import HistoryView  # noqa: PLC0415 - the same
    from verbund.views.holds import HoldsView  # noqa: PLC0415 - the same
    from verbund.views.offers import OffersView  # noqa: PLC0415 - the same
    from verbund.views.organisations import OrganisationsView  # noqa: PLC0415 - the same
    from verbund.views.overrides import OverridesView  # noqa: PLC0415 - the same
    from verbund.views.rejects import RejectsView  # noqa: PLC0415 - the same

    return [
        OffersView(),
        HistoryView(),
        OrganisationsView(),
        ContactsView(),
        HealthView(),
        RejectsView(),
        HoldsView(),
        OverridesView(),
        ChangesView(),
    ]
