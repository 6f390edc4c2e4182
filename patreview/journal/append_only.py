"""Tables whose rows the database itself neither changes nor deletes: triggers, for PostgreSQL and SQLite.

They stop mistakes and everybody who has no right to drop a trigger. Who may drop them is found by the chain.
On SQLite a migration that builds a table anew drops its triggers: put() must follow it (a test says so).
"""

from dataclasses import dataclass
from typing import Any, NoReturn

from django.db import IntegrityError, connection, migrations


class Immutable(IntegrityError):
    """A row that is only ever added was to be changed or deleted."""


@dataclass(frozen=True)
class AppendOnly:
    """A table, the columns that never change (all, where none is named), and what makes a row the same row."""

    table: str
    keys: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...] = ()

    @property
    def _update(self) -> str:
        return f"UPDATE OF {', '.join(self.columns)}" if self.columns else "UPDATE"

    def on_sqlite(self) -> dict[str, str]:
        """INSERT OR REPLACE fires no delete trigger unless a connection asks for it, so it has one of its own."""
        same = " OR ".join("(" + " AND ".join(f"{name} = NEW.{name}" for name in key) + ")" for key in self.keys)
        table = self.table
        found = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608  names of our own tables
        befores = {
            f"{table}_no_update": f"{self._update} ON {table}",
            f"{table}_no_delete": f"DELETE ON {table}",
            f"{table}_no_replace": f"INSERT ON {table} WHEN {found}",
        }
        act = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        return {name: f"CREATE TRIGGER {name} BEFORE {before} {act}" for name, before in befores.items()}

    def on_postgresql(self) -> dict[str, str]:
        act = "EXECUTE FUNCTION patreview_append_only()"
        return {
            f"{self.table}_no_change": f"CREATE TRIGGER {self.table}_no_change BEFORE {self._update} OR DELETE"
            f" ON {self.table} FOR EACH ROW {act}",
            f"{self.table}_no_truncate": f"CREATE TRIGGER {self.table}_no_truncate BEFORE TRUNCATE"
            f" ON {self.table} FOR EACH STATEMENT {act}",
        }


ENTRIES = AppendOnly("journal_entry", keys=(("id",), ("project_id", "seq")))
REPORTS = AppendOnly("analyses_report", keys=(("run_id",),), columns=("run_id", "digest", "body", "scenario"))

_FUNCTION = """
CREATE OR REPLACE FUNCTION patreview_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
_PRESENT = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled IN ('O', 'A')",
}


def _wanted(one: AppendOnly, database: Any) -> dict[str, str]:
    return one.on_sqlite() if database.vendor == "sqlite" else one.on_postgresql()


def missing(one: AppendOnly, database: Any = connection) -> list[str]:
    """Triggers of a table that are not there, or switched off."""
    with database.cursor() as cursor:
        cursor.execute(_PRESENT[database.vendor], [one.table])
        present = {name for (name,) in cursor.fetchall()}
    return sorted(set(_wanted(one, database)) - present)


def put(one: AppendOnly, database: Any = connection) -> None:
    """Let the database refuse from now on. What is there already stays."""
    lacking = missing(one, database)
    with database.cursor() as cursor:
        if lacking and database.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for name in lacking:
            cursor.execute(_wanted(one, database)[name])


def lift(one: AppendOnly, database: Any = connection) -> None:
    """Let the database take everything again: for a migration backwards."""
    on = f" ON {one.table}" if database.vendor == "postgresql" else ""
    with database.cursor() as cursor:
        for name in _wanted(one, database):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def operation(one: AppendOnly) -> migrations.RunPython:
    """The step of a migration that makes a table append-only."""

    def forwards(apps: Any, editor: Any) -> None:
        put(one, editor.connection)

    def backwards(apps: Any, editor: Any) -> None:
        lift(one, editor.connection)

    return migrations.RunPython(forwards, backwards)


def refuse(one: AppendOnly) -> NoReturn:
    """What a model answers before the database would have to."""
    raise Immutable(f"{one.table} is append-only")
