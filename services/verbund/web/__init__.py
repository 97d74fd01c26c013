"""Pages and REST API: everything that answers over HTTP. Reading for all, answers with a key."""

from verbund.web.app import create_app
from verbund.web.reading import ContactsOf, Reading
from verbund.web.writing import Writing

__all__ = ["ContactsOf", "Reading", "Writing", "create_app"]
