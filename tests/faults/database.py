"""The trial's own database: made beside the one that DATABASE_URL names, and looked into while it works."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """URL of a new, empty database, dropped at the end; empty (SQLite) without a PostgreSQL URL."""
    if not url.startswith("postgres"):
        yield ""
        return
    name = f"patreview_faults_{os.getpid()}"
    server = urlunsplit(urlsplit(url)._replace(scheme="postgresql", path="/postgres"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


CLAIMED = "SELECT claimed_by FROM analyses_run WHERE state = 'running'"


def claiming_pids(url: str, data: Path) -> list[int]:
    """Processes that are computing a run at this moment, as their claims name them (host:pid)."""
    if url:
        with psycopg.connect(urlunsplit(urlsplit(url)._replace(scheme="postgresql"))) as server:
            rows = server.execute(CLAIMED).fetchall()
    else:
        with closing(sqlite3.connect(data / "patreview.sqlite3", timeout=5)) as file:
            rows = file.execute(CLAIMED).fetchall()
    return [int(claimed_by.rpartition(":")[2]) for (claimed_by,) in rows]
