"""Tables that are not projections and cannot be derived from the log, so they belong into the backup: API keys."""

from verbund.state.api_keys import ROLES, ApiKey, ApiKeys
from verbund.state.opening import open_state

__all__ = ["ROLES", "ApiKey", "ApiKeys", "open_state"]
