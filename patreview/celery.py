"""The Celery application: `celery -A patreview.celery worker`.

Messages are hints. They are acknowledged early, never retried, carry one run id and no result:
the lease in the run's row is the only way a run is given out again (docs/architecture.md).
"""

import os
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging
from celery.worker.state import reserved_requests
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "patreview.settings")

app = Celery("patreview")
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "global_keyprefix": settings.BROKER_PREFIX,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "health_check_interval": 10,
        "visibility_timeout": 3600,
    },
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_default_queue="runs",
    task_acks_late=False,
    task_publish_retry=False,
    task_soft_time_limit=settings.RUN_SOFT_LIMIT_S,
    task_time_limit=settings.RUN_HARD_LIMIT_S,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=500,
    worker_max_memory_per_child=400_000,  # KiB
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    timezone="UTC",
    enable_utc=True,
)
# Celery's Django fixup closes the database connection around every task unless this is set.
app.conf["CELERY_DB_REUSE_MAX"] = 1000
app.autodiscover_tasks(["patreview.analyses"])

LOST_ACKS_EVERY_S = 3.0


class LostAcks(bootsteps.StartStopStep):
    """Connects a worker anew when acknowledgements were lost with the connection.

    Celery logs "Couldn't ack" and goes on, and the message counts against the prefetch limit for ever: a worker that
    lost as many as it may hold never asks for another one (kombu.transport.redis, on_poll_start).
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        parent.timer.call_repeatedly(LOST_ACKS_EVERY_S, raise_for_lost_acks, (parent.task_consumer.channel,))


def raise_for_lost_acks(channel: Any) -> None:
    """Raises ConnectionError, at which Celery connects anew, where messages are held and nothing works on them."""
    if not reserved_requests and not channel.qos.can_consume():
        raise ConnectionError("acknowledgements were lost with the broker")


app.steps["consumer"].add(LostAcks)


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Tell Celery that logging is configured already (by Django's settings)."""
