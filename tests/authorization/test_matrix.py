"""Every cell of tests/data/authorization.txt, at both doors.

A refusal changes nothing, and a 404 tells no more of what is there than of what is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patreview.reviews.queries import today
from tests.authorization.given import given
from tests.authorization.table import Route, Row, read
from tests.authorization.world import SECRETS, TOKENS, World, digest_of_everything, undone

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
ROWS = read().rows
WRITES = re.compile(r"(INSERT|DELETE|REPLACE|UPDATE (?!.*\bSET .?last_used_at))", re.IGNORECASE)
STRANGERS = {"AN", "AH", "OU", "EX", "A", "TP", "TS"}
UNKNOWN = {"slug": "no-such-project", "secret": "no-such-link"}


@contextmanager
def no_memory(client: Client) -> Iterator[None]:
    """The client's cookies are what they were: a message that waits for the next page is not its own."""
    kept = deepcopy(client.cookies)
    yield
    client.cookies = kept


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_cell(world: World, row: Row) -> None:
    wrong = [
        problem
        for route in row.routes
        for column in columns(row, route)
        for problem in tried(world, row, route, column)
    ]
    assert not wrong, "\n".join(["", *wrong])


def columns(row: Row, route: Route) -> list[str]:
    """Pages know no tokens: one stands for all of them, and is nobody."""
    at_page = [name for name in row.cells if name not in {"AN", "AH", *TOKENS}]
    asked = [name for name in row.cells if name != "AH"] if route.is_api else ["AH", *at_page, "TS"]
    return [name for name in asked if row.cells.get("AH" if not route.is_api and name == "TS" else name, "-") != "-"]


def expected(row: Row, route: Route, column: str) -> int:
    cell = cell_of(row, route, column)
    return route.done if cell == "ok" else int(cell)


def cell_of(row: Row, route: Route, column: str) -> str:
    return row.cells["AH" if not route.is_api and column == "TS" else column]


def tried(world: World, row: Row, route: Route, column: str) -> list[str]:
    """What is wrong with the answers of one cell."""
    wrong = []
    for client in world.clients["AN" if column == "AH" else column]:
        with undone(), no_memory(client):
            words = world.words(column) | {"today": today().isoformat()}
            for name in [row.section, *row.given]:
                words |= given(name, world, column)
            answer, changed = watched(world, client, route, words, is_fresh=not (row.given or row.section != "private"))
            problem = judged(row, route, column, answer, changed=changed)
            if not problem and answer.status_code == 404:
                problem = told(client, route, column, words, answer)
            wrong += [f"{route} as {column}: {problem}"] if problem else []
    return wrong


def watched(world: World, client: Client, route: Route, words: dict[str, str], *, is_fresh: bool) -> tuple[Any, bool]:
    """The answer, and whether any row is another than before. One who reads writes nothing at all."""
    if route.method == "GET":
        with CaptureQueriesContext(connection) as captured:
            answer = ask(client, route, words)
            text_of(answer)
        return answer, any(WRITES.match(query["sql"]) for query in captured)
    before = world.untouched if is_fresh else digest_of_everything()
    answer = ask(client, route, words)
    return answer, digest_of_everything() != before


def judged(row: Row, route: Route, column: str, answer: Any, *, changed: bool) -> str:
    done = expected(row, route, column)
    if answer.status_code != done:
        return f"{answer.status_code} for {done}: {text_of(answer)[:300] if route.is_api else ''}"
    is_refused = cell_of(row, route, column) != "ok"
    if is_refused and done == 302 and not answer["Location"].startswith("/login/?next=/"):
        return f"led to {answer['Location']}"
    if route.is_api and done >= 400 and answer["Content-Type"] != "application/problem+json":
        return f"answered with {answer['Content-Type']}"
    does = route.changes and not is_refused
    return "" if changed is does else ("changed something" if changed else "changed nothing")


def told(client: Client, route: Route, column: str, words: dict[str, str], answer: Any) -> str:
    """What a 404 gives away: a title to a stranger, or that it differs from the answer for what nobody ever made."""
    text, is_stranger = text_of(answer), column in STRANGERS
    named = [secret for secret in SECRETS if secret in text] if is_stranger else []
    names = re.findall(r"{(\w+)}", route.path)
    if named or not route.is_api or not names:
        return f"named {named[0]}" if named else ""
    asked = names[0 if is_stranger else -1]
    unknown = UNKNOWN.get(asked, "999999999")
    other = ask(client, route, words | {asked: unknown})
    same = other.status_code == 404 and told_of(other, unknown) == told_of(answer, words[asked])
    return (
        ""
        if same
        else f"told apart from what does not exist: {text[:200]} | {other.status_code} {text_of(other)[:200]}"
    )


def told_of(answer: Any, name: str) -> dict[str, Any]:
    """What the answer says, but for the name that was asked for and the id of the request."""
    said: dict[str, Any] = json.loads(answer.content) | {"request_id": ""}
    return said | {"detail": said["detail"].replace(name, "")}


def text_of(answer: Any) -> str:
    if answer.streaming and not hasattr(answer, "text_read"):
        answer.text_read = b"".join(answer).decode()
    return answer.text_read if answer.streaming else answer.content.decode()


def ask(client: Client, route: Route, words: dict[str, str]) -> Any:
    path = route.path.format_map(words)
    sent = {name: value.format_map(words) if isinstance(value, str) else value for name, value in route.sent.items()}
    if not route.is_api or route.method == "GET":
        return getattr(client, route.method.lower())(path, sent, follow=False)
    send = getattr(client, route.method.lower())
    return send(path, json.dumps(sent), content_type="application/json", headers={"If-Match": f'"{words["digest"]}"'})
