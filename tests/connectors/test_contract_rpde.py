"""The rpde connector holds the contract of connectors."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.connectors import rpde_feed
from verbund_connectors.rpde import Rpde
from verbund_connectors.testing import ConnectorContract


class TestRpdeContract(ConnectorContract):
    connector = Rpde
    settings: ClassVar[dict[str, Any]] = {"urls": rpde_feed.URLS}
    answers: ClassVar[dict[str, bytes]] = rpde_feed.recorded()
    canaries = ("Erika", "erika.beispiel@tus.example", "0170 0000000", "sport@tus.example", "02302 000000")
    names = ("Erika",)
