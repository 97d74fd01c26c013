"""The table connector holds the contract of connectors, for CSV and for XLSX."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.connectors import table_feed
from verbund_connectors.table import Table
from verbund_connectors.testing import ConnectorContract

CANARIES = ("02332 / 000000", "info@traeger.example", "kurse@vhs.example")


class TestCsvContract(ConnectorContract):
    connector = Table
    settings: ClassVar[dict[str, Any]] = table_feed.SETTINGS
    answers: ClassVar[dict[str, bytes]] = {"angebote.csv": table_feed.CSV}
    canaries = CANARIES

    def cut_shows(self, body, cut):
        """Cut between two rows, or inside a last cell that says little, a CSV looks whole."""
        return cut.count(b";") % body.split(b"\r\n" if b"\r\n" in body else b"\n")[0].count(b";") != 0


class TestXlsxContract(ConnectorContract):
    connector = Table
    settings: ClassVar[dict[str, Any]] = {**table_feed.SETTINGS, "path": "angebote.xlsx"}
    answers: ClassVar[dict[str, bytes]] = {"angebote.xlsx": table_feed.as_xlsx(table_feed.CSV)}
    canaries = CANARIES
