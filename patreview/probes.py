"""Health for supervisors and load balancers: /healthz (this process), /readyz (what it needs)."""

from functools import cache

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and is migrated. A missing broker only degrades: runs wait, none is lost."""
    found = state()
    return JsonResponse(found, status=503 if found["status"] == "unready" else 200)


def state() -> dict[str, str]:
    """`status` is ok, degraded or unready; and what it comes from."""
    try:
        pending = _open_migrations()
    except Error as exc:
        connection.close()
        return {"status": "unready", "database": type(exc).__name__}
    if pending:
        return {"status": "unready", "migrations": "not applied"}
    broker = _broker_state()
    return {"status": "ok" if broker == "ok" else "degraded", "broker": broker}


_migrated = False


def _open_migrations() -> bool:
    """Whether a migration is not applied. Once none is, only a ping remains."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    return not _migrated


@cache
def _broker() -> "redis.Redis":
    url = settings.REDIS_URL.replace("redis+socket://", "unix://")
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))


def _broker_state() -> str:
    try:
        _broker().ping()
    except redis.RedisError:
        return "down"
    return "ok"
