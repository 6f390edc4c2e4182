"""Read tests/data/authorization.txt: which action is answered how, to whom, at which addresses."""

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "data" / "authorization.txt"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    """One way to do an action: a method and an address, the answer when it is done, and what is sent."""

    method: str
    path: str
    done: int
    sent: dict[str, Any]
    changes: bool

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Row:
    """An action: a cell for each column, what has to be there before, and its routes."""

    section: str
    action: str
    cells: dict[str, str]
    given: list[str] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.section}: {self.action}"


@dataclass(frozen=True)
class Table:
    rows: list[Row]
    open: dict[Route, str]

    @property
    def routes(self) -> list[Route]:
        return [*(route for row in self.rows for route in row.routes), *self.open]


def read(path: Path = FILE) -> Table:
    """The table. Raises ValueError that names the line where it cannot be read."""
    rows: list[Row] = []
    open_to_all: dict[Route, str] = {}
    section, columns = "", []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.partition("#")[0].rstrip()
        if not text:
            continue
        try:
            if text.startswith("=="):
                section = text.strip("= ")
            elif text.startswith("action "):
                columns = text.split()[1:]
            elif section == "open":
                route, _, reason = text.partition(":")
                open_to_all[_route(route)] = reason.strip()
            elif not text.startswith(" "):
                rows.append(_row(section, columns, text))
            elif text.split()[0] == "given":
                rows[-1].given.extend(one.strip() for one in text.strip()[len("given ") :].split(","))
            else:
                rows[-1].routes.append(_route(text))
        except (IndexError, ValueError) as exc:
            raise ValueError(f"{path.name} line {number}: {exc}: {text}") from exc
    return Table(rows, open_to_all)


def _row(section: str, columns: list[str], text: str) -> Row:
    words = text.split()
    cells = words[-len(columns) :]
    wrong = [cell for cell in cells if cell not in ("ok", "-") and not (cell.isdigit() and len(cell) == 3)]
    if wrong:
        raise ValueError(f"{wrong[0]} is no cell")
    return Row(section, " ".join(words[: -len(columns)]), dict(zip(columns, cells, strict=True)))


def _route(text: str) -> Route:
    method, path, *rest = shlex.split(text)
    if method not in METHODS or not path.startswith("/"):
        raise ValueError("no route")
    done = int(rest.pop(0)) if rest and rest[0].isdigit() else 200
    changes = method != "GET" and "unchanged" not in rest
    sent = {}
    for item in rest:
        name, equals, value = item.partition("=")
        if equals:
            sent[name] = value[1:-1].split(",") if value.startswith("[") else value
    return Route(method, path, done, _Frozen(sent), changes)


class _Frozen(dict[str, Any]):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(json.dumps(self, sort_keys=True))
