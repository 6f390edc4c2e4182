"""What Celery calls. A message is a hint: it may come late, twice or never."""

from django.db import close_old_connections

from patreview.analyses import runner
from patreview.celery import app


# Bound to our application by name: a shared task would go to whatever broker Celery's default names
# in a process that never imported patreview.celery, as the dispatcher is one.
@app.task(ignore_result=True)
def execute_run(run_id: int) -> None:
    close_old_connections()  # kept ones are checked here, as a web request would
    runner.execute(run_id)
