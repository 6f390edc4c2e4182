"""The Celery application: `celery -A patreview.celery worker`.

Messages are hints. They are acknowledged early, never retried, carry one run id and no result:
the lease in the run's row is the only way a run is given out again (docs/architecture.md).
"""

import os

from celery import Celery
from celery.signals import setup_logging
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


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Tell Celery that logging is configured already (by Django's settings)."""
