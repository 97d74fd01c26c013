"""The only way out to the network: one deadline, bounded bodies, checked addresses, politeness."""

from typing import TYPE_CHECKING, Any

from verbund.fetch.contract import Fetch, Fetched, FetchSettings

if TYPE_CHECKING:
    from verbund.fetch.http import HttpFetch

__all__ = ["Fetch", "FetchSettings", "Fetched", "HttpFetch"]


def __getattr__(name: str) -> Any:
    # httpx takes 190 ms to import, and most who name a Fetch never make one.
    if name == "HttpFetch":
        from verbund.fetch.http import HttpFetch  # noqa: PLC0415

        return HttpFetch
    raise AttributeError(name)
