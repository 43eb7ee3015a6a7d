"""The worker, put together: the Celery app, and what its tasks hold.

Celery is a wake-up and never the record (docs/decisions/0002): messages are acknowledged before the work, results are
not kept, and a task that is lost or comes twice changes nothing, since generations, leases and attempts are rows.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import cache

from celery import Celery
from celery.signals import worker_process_init
from threadpoolctl import threadpool_limits

from service.db import Database
from service.nudge import BROKER_OPTIONS, QUEUE, Nudge
from service.settings import Settings
from tasks.stream import DeadLetter, ResultStream

__all__ = ["Context", "app", "context"]

# It says that root should not run what pickles can start; ours are JSON, and in a container everybody is root.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

app = Celery("tradespace", include=["tasks.ingest", "tasks.optimize", "tasks.relay"])
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_default_queue=QUEUE,
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    worker_prefetch_multiplier=1,
    task_soft_time_limit=90,
    task_time_limit=120,
    worker_max_tasks_per_child=1000,
    broker_connection_max_retries=None,
    broker_connection_retry_on_startup=True,
    broker_pool_acquire_timeout=5,
    broker_transport_options={**BROKER_OPTIONS, "max_retries": None},
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
)


@dataclass(frozen=True)
class Context:
    """What the tasks of one process hold: opened at the first use, after the fork."""

    settings: Settings
    database: Database
    nudge: Nudge

    def dead_letter(self, letter: DeadLetter) -> None:
        """Copy a refused message to the dead-letter stream; its row is committed already."""
        stream = ResultStream(self.settings.redis_url, self.settings.reader)
        try:
            stream.add_dead([letter])
        finally:
            stream.close()


@cache
def context() -> Context:
    """Return this process's context."""
    settings = Settings.from_env(os.environ)
    return Context(settings, Database(settings.database_url, pool_size=4), Nudge(settings.celery_broker_url))


@app.on_configure.connect
def _configure(sender: Celery, **_: object) -> None:
    sender.conf.broker_url = Settings.from_env(os.environ).celery_broker_url


@worker_process_init.connect
def _one_thread(**_: object) -> None:
    """Let each process compute on one thread: several workers that each take every core slow each other down."""
    threadpool_limits(limits=1)
