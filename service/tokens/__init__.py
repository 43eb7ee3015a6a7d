"""Keys to the API: made, looked up, changed, ended. Only a digest is kept: a copy of the database opens nothing."""

from service.tokens.callers import PERMISSIONS, SCOPES, Caller, authenticate, permission_of, visit
from service.tokens.granting import KINDS, NewToken, create, share
from service.tokens.issuing import GUEST_LASTS, bootstrap, first_client, issue, service_key
from service.tokens.managing import TokenChange, end, find, listed, update
from service.tokens.secrets import new_secret

__all__ = [
    "GUEST_LASTS",
    "KINDS",
    "PERMISSIONS",
    "SCOPES",
    "Caller",
    "NewToken",
    "TokenChange",
    "authenticate",
    "bootstrap",
    "create",
    "end",
    "find",
    "first_client",
    "issue",
    "listed",
    "new_secret",
    "permission_of",
    "service_key",
    "share",
    "update",
    "visit",
]
