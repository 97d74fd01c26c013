"""Tables that are not projections and cannot be derived from the log, so they belong into the backup: API keys."""

from verbund.state.api_keys import ROLES, ApiKey, ApiKeys

__all__ = ["ROLES", "ApiKey", "ApiKeys"]
