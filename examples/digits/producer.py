"""A producer: asks for suggestions over HTTP, tries them, publishes the results to Redis. The file to copy.

TRADESPACE_TOKEN=… python producer.py EXPERIMENT --trials 20
"""

from __future__ import annotations

import argparse
import os

from measure import FailedConfigurationError, measure

from tradespace import Client, Producer

__all__ = ["work"]


def work(client: Client, producer: Producer, experiment: str, trials: int) -> None:
    """Try `trials` suggestions, one after the other. Start as many producers as you have machines."""
    result_id = None
    for _ in range(trials):
        suggestion = client.next_suggestion(experiment, after=result_id)
        try:
            values = measure(suggestion.assignments)
        except FailedConfigurationError as error:
            metadata = {"error": str(error)[:500]}
            result_id = producer.publish(experiment, suggestion=suggestion, failed=True, metadata=metadata)
            print(result_id, f"suggestion {suggestion.id} failed: {error}", flush=True)
        else:
            result_id = producer.publish(experiment, values, suggestion=suggestion)
            print(result_id, f"suggestion {suggestion.id}: {values}", flush=True)


def main() -> None:
    """Read where the service is, and work."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("experiment", help="its id")
    parser.add_argument("--trials", type=int, default=20, help="how many (default: 20)")
    asked = parser.parse_args()
    url = os.environ.get("TRADESPACE_URL", "http://127.0.0.1:8321")
    redis_url = os.environ.get("TRADESPACE_REDIS_URL", "redis://127.0.0.1:8322/0")
    token = os.environ.get("TRADESPACE_TOKEN") or parser.error("set TRADESPACE_TOKEN to a token of the service")
    with Client(url, token) as client, Producer(redis_url) as producer:
        work(client, producer, asked.experiment, asked.trials)


if __name__ == "__main__":
    main()
