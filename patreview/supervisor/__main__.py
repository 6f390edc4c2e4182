"""`python -m patreview.supervisor`: the whole service on one machine, in one foreground process.

Embedded broker, migrations, demo data, web, worker and dispatcher over one data folder. Standard
library only, so that it starts at once and holds little memory. Exit codes: 0 stopped as asked,
1 a part failed, 2 a bad value, 3 already running, 4 port taken, 5 data folder unusable.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from patreview.supervisor.address import Address, read_address, require_free
from patreview.supervisor.broker import answers, broker_argv, broker_url, server_binary
from patreview.supervisor.crew import Crew, Stopped, say
from patreview.supervisor.folder import (
    DataFolder,
    clear_leftovers,
    lock_folder,
    open_folder,
    remove_short_sockets,
    secret_key,
)
from patreview.supervisor.refusal import Refusal
from patreview.supervisor.service import ROOT, Service

BROKER_LIMIT_S = 15.0
WEB_LIMIT_S = 90.0
# Settings of the caller's shell that would change how our children start.
FOREIGN = ("GUNICORN_CMD_ARGS", "PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONSTARTUP")


def main() -> int:
    began_s = time.monotonic()
    try:
        address = read_address(os.environ)
        folder = open_folder(Path(os.environ.get("PATREVIEW_DATA") or "var"))
        lock_folder(folder, url=address.url)
        require_free(address)
        clear_leftovers(folder)
        return _serve(folder, address, began_s=began_s)
    except Refusal as refusal:
        say(str(refusal))
        return refusal.code


def _serve(folder: DataFolder, address: Address, *, began_s: float) -> int:
    crew = Crew(folder, child_environment(os.environ, folder, address))
    crew.catch_signals()
    try:
        _start(crew, address, began_s=began_s)
        while True:
            crew.watch()
            crew.pause()
    except Stopped:
        say("stopping")
        return 0
    finally:
        crew.stop()
        remove_short_sockets(folder)


def child_environment(environment: Mapping[str, str], folder: DataFolder, address: Address) -> dict[str, str]:
    """What every child gets: the caller's settings, and ours where the caller has none."""
    chosen = {name: value for name, value in environment.items() if name not in FOREIGN}
    chosen["PATREVIEW_DATA"] = str(folder.path)
    chosen["PATREVIEW_WAKE_SOCKET"] = str(folder.wake_socket)
    chosen["HOST"], chosen["PORT"] = address.host, str(address.port)
    chosen["PYTHONUNBUFFERED"] = "1"
    if not chosen.get("PATREVIEW_ENV"):
        chosen["PATREVIEW_ENV"] = "development"
    if not chosen.get("PATREVIEW_URL") and chosen["PATREVIEW_ENV"] == "development":
        chosen["PATREVIEW_URL"] = address.url
    if not chosen.get("SECRET_KEY"):
        chosen["SECRET_KEY"] = secret_key(folder)
    if not chosen.get("REDIS_URL"):
        chosen["REDIS_URL"] = broker_url(folder.broker_socket)
    return chosen


def _start(crew: Crew, address: Address, *, began_s: float) -> None:
    manage = [sys.executable, str(ROOT / "manage.py")]
    folder = crew.folder
    web, worker, dispatcher = _web(address), _worker(), _dispatcher(manage)
    # The order of this list is the order of the stop: first no new requests, last the broker.
    crew.services = [web, dispatcher, worker]
    if crew.environment["REDIS_URL"] == broker_url(folder.broker_socket):
        broker = _broker(folder)
        crew.services.append(broker)
        crew.start(broker)
        _migrate(crew, manage)
        crew.wait_for(broker, lambda: answers(folder.broker_socket), limit_s=BROKER_LIMIT_S)
    else:
        _migrate(crew, manage)
    for service in (web, worker, dispatcher):
        crew.start(service)
    demo = None
    if wants_demo(crew.environment):
        demo = crew.begin_task("demo", [*manage, "demo"])
    crew.wait_for(web, lambda: is_ready(address), limit_s=WEB_LIMIT_S)
    if demo is not None:
        crew.require_success("demo", crew.finish_task(demo))
        print(folder.log("demo").read_text().strip(), flush=True)
    print(f"\npatreview is ready at {address.url}", flush=True)
    say(f"ready in {time.monotonic() - began_s:.1f} s; data in {folder.path}; Ctrl-C stops it")


def _migrate(crew: Crew, manage: list[str]) -> None:
    """Bring the database up to date; a look at what is open is quicker than a run of nothing."""
    check = [*manage, "migrate", "--check"]
    if crew.finish_task(crew.begin_task("migrate", check)) != 0:
        crew.run_task("migrate", [*manage, "migrate", "--noinput", "--verbosity", "1"])


def _broker(folder: DataFolder) -> Service:
    argv = broker_argv(server_binary(), socket_path=folder.broker_socket, folder=folder.run)
    # It holds only hints, so there is nothing to save when the supervisor is killed.
    return Service("broker", argv, stop_limit_s=5, death_signal=signal.SIGKILL)


def _web(address: Address) -> Service:
    argv = [sys.executable, "-m", "gunicorn", "patreview.wsgi"]
    argv += ["--bind", address.bind, "--worker-class", "gthread"]
    argv += ["--workers", "2", "--threads", "8", "--timeout", "60"]
    argv += ["--graceful-timeout", "10", "--keep-alive", "5", "--no-control-socket"]
    return Service("web", argv, stop_limit_s=12)


def _worker() -> Service:
    argv = [sys.executable, "-m", "celery", "-A", "patreview.celery", "worker"]
    argv += ["--pool", "prefork", "--concurrency", "2", "--loglevel", "INFO"]
    argv += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    # SIGQUIT is Celery's cold shutdown: with the supervisor the broker is gone too, and a warm
    # one would wait for it. The lease brings back the run that was cut off.
    return Service("worker", argv, stop_limit_s=20, death_signal=signal.SIGQUIT)


def _dispatcher(manage: list[str]) -> Service:
    return Service("dispatcher", [*manage, "dispatch"], stop_limit_s=8)


def wants_demo(environment: Mapping[str, str]) -> bool:
    default = "0" if environment.get("PATREVIEW_ENV") == "production" else "1"
    return environment.get("PATREVIEW_DEMO", default).lower() in {"1", "true", "yes", "y", "on", "ok"}


def is_ready(address: Address) -> bool:
    """True when the readiness probe answers 200, or 400 because ALLOWED_HOSTS leaves us out."""
    connection = http.client.HTTPConnection(address.reachable_host, address.port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status in (200, 400)
        except (OSError, http.client.HTTPException):
            return False


if __name__ == "__main__":
    sys.exit(main())
