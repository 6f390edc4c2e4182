"""Nothing of the two doors is left out of the table, and nothing of a project is read without knowing who asks."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.urls import resolve

import patreview.api
import patreview.web
from patreview.api import urls as api_urls
from patreview.web import urls as web_urls
from tests.authorization.addresses import filled
from tests.authorization.table import METHODS, Route, read
from tests.authorization.world import World

TABLE = read()
NUMBERS = ("submission", "run", "thread", "comment", "vote", "waiver", "invitation", "revision", "guest")
NAMES = ("slug", "finding", "key", "self", "spare", "outsider", "secret", "platform", "msr")
WORDS = dict.fromkeys(NUMBERS, "1") | dict.fromkeys(NAMES, "x")
#: What the doors call without saying who asks and without having been given a row that somebody may see.
KNOWN = {
    "accounts.services.count_invitation_guess": "counts who asks by their address",
    "accounts.services.sign_in": "finds out who asks",
    "analyses.comparison.check_reference": "reads a text",
    "analyses.comparison.read_classes": "reads a text",
    "analyses.images.last_isolation": "how images are read on this machine, of no project",
    "analyses.listing.page_of": "a page of rows that a query gave",
    "analyses.queries.waiting_runs": "a number for the status page, of all projects together",
    "catalogue.queries.catalogue_version": "a number of a project that the view was given",
    "catalogue.registration.read_mtrr": "reads a text",
    "journal.queries.entries_about": "what was done to a platform or guest is for everybody who sees it",
    "journal.queries.entries_of": "of a project that project_of_journal() gave",
    "journal.queries.head_of": "of a project that project_of_journal() gave",
    "journal.subjects.read_submission": "reads a text",
    "projects.invitations.find_invitation": "whoever knows the secret may read what it offers",
    "projects.invitations.join": "whoever knows the secret may make an account with it",
    "projects.services.find_token": "finds out who asks",
    "projects.text.checked_line": "reads a text",
    "projects.text.required": "reads a text",
    "reviews.queries.today": "a day",
    "reviews.tallies.tallies_of": "of rows that a listing gave",
    "reviews.tallies.turn_of": "of a row that a listing gave",
    "submissions.services.read_proposal": "reads what was sent, and stores nothing",
}
#: What a query of a room fetched along with rows that it gave.
FETCHED = {
    "standing.platforms.get(platform.name)",
    "g.platforms.all()",
    "guest.platforms.all()",
    "found.platforms.all()",
}
RELATED = {
    relation.get_accessor_name()
    for model in apps.get_models()
    for relation in model._meta.related_objects
    if model.__module__.startswith("patreview.")
}
ROWS = {model.__name__ for model in apps.get_models() if model.__module__.startswith("patreview.")}
GIVEN = ROWS | {"Review", "Side"}  # made of rows that somebody may see
ROOMS = ("accounts", "analyses", "catalogue", "journal", "projects", "reviews", "submissions")
DOORS = sorted(
    path for door in (patreview.api, patreview.web) for path in Path(str(door.__file__)).parent.rglob("*.py")
)


def listed() -> set[tuple[str, str]]:
    """Name of the address and method of all that the table has somebody do, and of what it says is open to all."""
    done = [route for row in TABLE.rows if "ok" in row.cells.values() for route in row.routes]
    return {(name_of(route), route.method) for route in [*done, *TABLE.open]}


def name_of(route: Route) -> str:
    return resolve(route.path.format_map(WORDS)).view_name


def rest() -> Iterator[tuple[str, str]]:
    """Every name and method of REST."""
    for pattern in api_urls.urlpatterns:
        view: Any = getattr(pattern.callback, "view_class", None)
        if view is None:
            assert pattern.name == "unknown", "the methods of what is no class of views cannot be counted"
            continue
        taken = [one for one in METHODS if one.lower() in view.http_method_names and hasattr(view, one.lower())]
        yield from ((f"api:{pattern.name}", method) for method in taken)


def pages(client: Any) -> Iterator[tuple[str, str]]:
    """Every name and method of the pages, as a page itself says what it takes."""
    for pattern in web_urls.urlpatterns:
        answer = client.options(f"/{filled(pattern, {})}")
        assert answer.status_code == 405, f"{pattern.name} does not say what it takes: use `only`"
        yield from ((f"web:{pattern.name}", method) for method in answer["Allow"].split(", ") if method != "HEAD")


@pytest.mark.django_db
def test_every_address_and_method_is_in_the_table(world: World) -> None:
    found = {*rest(), *pages(world.clients["M"][0])}
    assert not found - listed(), "add these to tests/data/authorization.txt"


def test_the_table_names_what_is_there() -> None:
    """A route that leads nowhere would be tried, and answer 404 to everybody."""
    assert "api:unknown" not in {name_of(route) for route in TABLE.routes}
    assert all(reason for reason in TABLE.open.values()), "what is open to all says why"


def test_the_table_leaves_no_cell_out() -> None:
    """Only pages have cells that are not tried, those of tokens, and only REST those of nobody in the browser."""
    for row in TABLE.rows:
        assert row.routes, f"{row} has no route"
        skipped = {column for column, cell in row.cells.items() if cell == "-"}
        at_pages = {"AN", "TS", "TR", "TW", "TX", "TP"} if not any(route.is_api for route in row.routes) else set()
        at_rest = {"AH"} if all(route.is_api for route in row.routes) else set()
        assert skipped <= at_pages | at_rest, f"{row} does not try {sorted(skipped)}"


def calls(path: Path) -> Iterator[tuple[str, Any]]:
    """The functions of the rooms that a module of a door names."""
    tree = ast.parse(path.read_text())
    modules: dict[str, ModuleType] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(tuple(f"patreview.{r}" for r in ROOMS)):
            for alias in node.names:
                try:
                    found = getattr(importlib.import_module(str(node.module)), alias.name)
                except AttributeError:
                    found = importlib.import_module(f"{node.module}.{alias.name}")
                if isinstance(found, ModuleType):
                    modules[alias.asname or alias.name] = found
                elif inspect.isfunction(found):
                    yield f"{found.__module__}.{found.__name__}".removeprefix("patreview."), found
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found = getattr(modules[node.value.id], node.attr)
            if inspect.isfunction(found):
                yield f"{found.__module__}.{found.__name__}".removeprefix("patreview."), found


def asks_who(function: Any) -> bool:
    """Whether it takes who asks, or a row, which somebody who may see it was given."""
    words = {word for one in inspect.signature(function).parameters.values() for word in names_in(one.annotation)}
    return bool(words & {*GIVEN, "Principal"})


def names_in(annotation: Any) -> set[str]:
    return set(re.findall(r"\w+", annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)))


def test_doors_say_who_asks_or_hand_on_what_they_were_given() -> None:
    used = {name: function for path in DOORS for name, function in calls(path)}
    assert len(used) > 50, "the scan finds nothing"
    blind = {name for name, function in used.items() if not asks_who(function)}
    assert sorted(blind - set(KNOWN)) == [], "give these a Principal, or say in KNOWN why they need none"
    assert not set(KNOWN) - blind, "no door calls these any more, or they ask who"


@pytest.mark.parametrize("path", DOORS, ids=lambda path: path.name)
def test_a_door_does_not_go_from_row_to_rows(path: Path) -> None:
    """`project.submissions.all()` would ask nobody. What a query fetched along is read by the query's own room."""
    for node in ast.walk(ast.parse(path.read_text())):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if called and isinstance(node.func.value, ast.Attribute):  # type: ignore[attr-defined]
            asked = ast.unparse(node)
            assert asked in FETCHED or node.func.value.attr not in RELATED, f"line {node.lineno}: {asked}"  # type: ignore[attr-defined]


def test_a_template_does_not_go_from_row_to_rows() -> None:
    related = re.compile(rf"\b\w+\.({'|'.join(sorted(RELATED))})\.(all|count|first|last|exists)\b")
    for path in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        assert not related.search(path.read_text()), path.name
