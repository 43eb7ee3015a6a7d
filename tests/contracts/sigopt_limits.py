"""A user in a hurry: `sigopt_limits.py URL TOKEN` asks faster than it may, and goes on without noticing."""

from __future__ import annotations

import json
import sys

from sigopt_trace import connect

url, token = sys.argv[1:]
connection = connect(url, token)
print(json.dumps([connection.tokens("self").fetch().token_type for _ in range(6)]))
