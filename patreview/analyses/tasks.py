"""What Celery calls. A message is a hint: it may come late, twice or never."""

from celery import shared_task
from django.db import close_old_connections

from patreview.analyses import runner


@shared_task(ignore_result=True)
def execute_run(run_id: int) -> None:
    close_old_connections()  # kept ones are checked here, as a web request would
    runner.execute(run_id)
