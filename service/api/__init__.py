"""The HTTP API under /v1: thin blueprints, one a resource. Parse, authenticate, one use case, one reply."""
