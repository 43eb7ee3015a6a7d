"""Rows, HTTP, pages and webhooks: everything that is remembered and everything that is asked over the wire."""
