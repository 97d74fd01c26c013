"""The jail: whatever reads or maps what a stranger sent does so in a process that can do nothing else.

`Jail` keeps a warm process; `Cell` is one child of it, for one run. The child reads bodies and maps records, and may
use a bounded amount of memory and time. It opens no socket, writes no file, reads none but its own program, starts no
process and signals none. The parent believes nothing that it says: see `trust`.
"""

from verbund.ingest.jail.cell import Cell
from verbund.ingest.jail.jail import Jail, shared_jail
from verbund.ingest.jail.outcome import ParserLostError
from verbund.ingest.jail.wire import Allowance

__all__ = ["Allowance", "Cell", "Jail", "ParserLostError", "shared_jail"]
