"""Pages and REST API: everything that answers over HTTP. Reading only."""

from verbund.web.app import create_app
from verbund.web.reading import ContactsOf, Reading

__all__ = ["ContactsOf", "Reading", "create_app"]
