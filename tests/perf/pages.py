"""What pages cost beside the barest site, and at a million rows beside few: `python -m tests.perf.pages`.

The database is one of its own. Requests go through the whole of Django without a socket. The figures are CPU time of
this process, and of the database's where that is a process of this machine; bars are ratios within the same rounds.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import django
import psycopg
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext

SHOWN = 100
ROUNDS = 9
REQUESTS = 8  # of each kind in a round
SIZES = (10_000, 1_000_000)


class Door:
    """Requests to one site, as its own server process would handle them."""

    def __init__(self, *, urlconf: str | None = None, cookies: Mapping[str, str] | None = None, **headers: str) -> None:
        self.handler = BaseHandler()
        with override_settings(**({"MIDDLEWARE": []} if urlconf else {})):
            self.handler.load_middleware()
        self.urlconf, self.cookies, self.headers = urlconf, dict(cookies or {}), headers

    def requests(self, path: str, count: int) -> list[Any]:
        """That many requests of a person who is logged in."""
        factory = RequestFactory()
        factory.cookies.load(self.cookies)
        made = [factory.get(path, SERVER_NAME="localhost", **self.headers) for _ in range(count)]
        for request in made:
            if self.urlconf:
                request.urlconf = self.urlconf
        return made

    def answer(self, request: Any) -> bytes:
        response = self.handler.get_response(request)
        assert response.status_code == 200, (request.path, response.status_code, response.content[:300])
        return bytes(response.content)


Case = tuple[Door, str]


class DatabaseProcess:
    """The process that serves our connection, where there is one on this machine."""

    def __init__(self) -> None:
        self.stat: Path | None = None
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                stat = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
            self.stat = stat if stat.exists() else None

    def cpu_s(self) -> float:
        return int(self.stat.read_text().split()[0]) / 1e9 if self.stat else 0.0


def measure(cases: Mapping[str, Case]) -> dict[str, float]:
    """The median CPU time of a request of each kind, in seconds; the kinds take turns."""
    database = DatabaseProcess()
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS + 1):
        for name, (door, path) in cases.items():
            requests = door.requests(path, REQUESTS)
            began = time.process_time() + database.cpu_s()
            for request in requests:
                door.answer(request)
            if number:  # the first round warms up
                times[name].append((time.process_time() + database.cpu_s() - began) / REQUESTS)
    return {name: statistics.median(took) for name, took in times.items()}


def statements(case: Case) -> int:
    """How many SQL statements an answer takes."""
    door, path = case
    with CaptureQueriesContext(connection) as captured:
        door.answer(door.requests(path, 1)[0])
    return len(captured)


def told(name: str, took_s: float, base: str, base_s: float, *, bar: float = 0.0, sql: int | None = None) -> bool:
    """Print a figure beside its bar, if it has one; False where it is missed."""
    ratio = took_s / base_s
    kept = not bar or ratio <= bar
    aim = f"bar: {bar:.2f}{'' if kept else ', MISSED'}" if bar else "no bar"
    statements = f", {sql} SQL" if sql is not None else ""
    print(f"  {name:22} {took_s * 1e3:6.2f} ms CPU = {ratio:5.2f} x {base} ({aim}){statements}")
    return kept


class Doors(NamedTuple):
    """A pipeline with its token, a person with a session, and the floor, which asks nobody who they are."""

    rest: Door
    web: Door
    floor: Door


def bench_kinds(stock: Any, doors: Doors) -> bool:
    """Lists and a detail against the floor's."""
    cases = {
        "REST list": (doors.rest, f"/api/v1/projects/{stock.project.slug}/submissions?limit={SHOWN}"),
        "DRF list": (doors.floor, "/submissions"),
        "flat DRF list": (doors.floor, "/flat"),
        "HTML list": (doors.web, f"/p/{stock.project.slug}/submissions/?limit={SHOWN}"),
        "template list": (doors.floor, "/page"),
        "flat template list": (doors.floor, "/flat-page"),
        "REST run": (doors.rest, f"/api/v1/runs/{stock.run.pk}"),
        "REST submission": (doors.rest, f"/api/v1/submissions/{stock.real.pk}"),
        "DRF detail": (doors.floor, f"/submissions/{stock.real.pk}"),
    }
    took = measure(cases)
    kept = [
        told(name, took[name], base, took[base], bar=bar, sql=statements(cases[name]))
        for name, base, bar in (
            ("REST list", "DRF list", 1.0),
            ("REST list", "flat DRF list", 0.0),
            ("HTML list", "template list", 1.3),
            ("HTML list", "flat template list", 0.0),
            ("REST run", "DRF detail", 2.0),  # the aim is 1.5: the token and the project's scope take the rest
            ("REST submission", "DRF detail", 0.0),
        )
    ]
    return all(kept)


def bench_depth(stock: Any, doors: Doors) -> bool:
    """The last page against the first."""
    last = f"limit={SHOWN}&before={stock.real.pk + SHOWN}"
    path = f"{stock.project.slug}/submissions"
    kept = True
    for name, door, at in (
        ("REST list", doors.rest, f"/api/v1/projects/{path}"),
        ("HTML list", doors.web, f"/p/{path}/"),
    ):
        cases = {"first": (door, f"{at}?limit={SHOWN}"), "last": (door, f"{at}?{last}")}
        took = measure(cases)
        kept &= told(f"{name}, last page", took["last"], "its first page", took["first"], bar=1.2)
    return kept


@contextmanager
def databases() -> Iterator[list[str]]:
    """The addresses of empty databases to measure: SQLite, and one on the server of DATABASE_URL where that is set."""
    with TemporaryDirectory(prefix="patreview-bench-") as folder:
        addresses = [f"sqlite:///{folder}/pages.sqlite3"]
        server = os.environ.get("DATABASE_URL", "")
        if not server.startswith("postgres"):
            yield addresses
            return
        name = f"patreview_bench_{os.getpid()}"
        base = server.rpartition("/")[0].replace("postgres://", "postgresql://")
        with psycopg.connect(f"{base}/postgres", autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
            try:
                yield [*addresses, f"{base}/{name}"]
            finally:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def bench_pages() -> bool:
    """Each database in a process of its own, for Django has one; False where a bar is missed."""
    with databases() as addresses, TemporaryDirectory(prefix="patreview-bench-") as folder:
        own = {"DJANGO_SETTINGS_MODULE": "tests.perf.settings", "PATREVIEW_DATA": folder, "LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-m", "tests.perf.pages"]
        runs = [subprocess.run(command, env=os.environ | own | {"DATABASE_URL": one}, check=False) for one in addresses]
    return not any(run.returncode for run in runs)


def main() -> int:
    """Print the figures of one database; 1 where a bar is missed."""
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from tests.perf.rows import Stock, make_floor

    stock = Stock()
    make_floor(stock)
    client = Client(SERVER_NAME="localhost")
    client.force_login(stock.reader.user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    doors = Doors(
        rest=Door(HTTP_AUTHORIZATION=f"Bearer {stock.token}"),
        web=Door(cookies={settings.SESSION_COOKIE_NAME: cookie}),
        floor=Door(urlconf="tests.perf.floor"),
    )
    kept = True
    for size in SIZES:
        began = time.monotonic()
        stock.grow(size)
        print(
            f"pages, {connection.vendor}, {size:,} submissions (filled in {time.monotonic() - began:.0f} s)", flush=True
        )
        kept &= bench_kinds(stock, doors) & bench_depth(stock, doors)
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
