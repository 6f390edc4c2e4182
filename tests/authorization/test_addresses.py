"""Every address of both doors with something odd in each of its places, by a wrong method, and without a CSRF token."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from patreview.api import urls as api_urls
from patreview.reviews.queries import today
from patreview.web import urls as web_urls
from tests.authorization.addresses import filled, places
from tests.authorization.given import given
from tests.authorization.table import METHODS, Route, Row, read
from tests.authorization.test_coverage import pages
from tests.authorization.test_matrix import ask, no_memory, text_of
from tests.authorization.world import SECRETS, World, digest_of_everything, undone

pytestmark = pytest.mark.django_db
TABLE = read()
PATTERNS = [(prefix, one) for prefix, urls in (("/api/v1/", api_urls), ("/", web_urls)) for one in urls.urlpatterns]
ODD = {
    "int": [
        "0",
        "9223372036854775807",
        "9223372036854775808",
        str(10**30),
        "9" * 5000,
        "-1",
        "+1",
        "1e3",
        "1.0",
        "٣",
        "1%00",
    ],
    "slug": [
        "%00",
        "a%00b",
        "é",
        "%F0%9F%90%98",
        "%FF",
        "a" * 5000,
        "-",
        "a%20b",
        "a%0Ab",
        "..",
        "%2e%2e",
        "a%2Fb",
        "%27",
    ],
}
ODD["str"] = [*ODD["slug"], *ODD["int"], "%E2%80%AE", "%0D%0ASet-Cookie:a"]


@pytest.mark.parametrize(("prefix", "pattern"), PATTERNS, ids=lambda one: getattr(one, "name", None) or "")
def test_an_odd_address_is_refused(world: World, prefix: str, pattern: Any) -> None:
    """4xx: the page of a place that is not there, or a body that is missing; never a defect, never something done."""
    client = world.clients["M"][0]
    usual = {"slug": world.project.slug, "pk": str(world.plain["SO"].submission.pk)}
    for name, kind in places(pattern):
        for odd in ODD[kind]:
            address = prefix + filled(pattern, usual | {name: odd})
            for method in METHODS:
                with undone(), no_memory(client):
                    answer = getattr(client, method.lower())(address)
                    assert 400 <= answer.status_code < 500, f"{method} {address[:200]}: {answer.status_code}"


@pytest.mark.parametrize(("prefix", "pattern"), PATTERNS, ids=lambda one: getattr(one, "name", None) or "")
def test_methods_that_an_address_does_not_take(world: World, prefix: str, pattern: Any) -> None:
    """405 to a person, whatever is at the address; REST asks nobody without knowing who they are."""
    if pattern.name == "unknown":
        return
    needed = "?a=s1&b=s1" if pattern.name == "compare" else ""  # REST reads the query first
    client, address = world.clients["M"][0], prefix + filled(pattern, {}) + needed
    answer = client.options(address)
    taken = {one.strip() for one in answer["Allow"].split(",")}
    for method in set(METHODS) - taken:
        answer = getattr(client, method.lower())(address)
        assert answer.status_code == 405, f"{method} {address}"
        assert set(METHODS) & set(answer["Allow"].split(", ")) == taken & set(METHODS)
        if prefix != "/":
            assert getattr(Client(), method.lower())(address).status_code == 401


def test_nothing_is_changed_without_a_csrf_token(world: World) -> None:
    """By a session. A token of REST is sent by no browser on its own, so it needs none."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.by("M").user)  # type: ignore[arg-type]
    words, before = world.words("M"), digest_of_everything()
    odd = dict.fromkeys(("thread", "comment", "vote", "waiver"), "1")
    routes = {(route.method, route.path) for route in TABLE.routes if route.method != "GET"}
    assert len(routes) > 50
    for method, path in sorted(routes):
        answer = ask(client, Route(method, path, 0, {}, False), words | odd)
        assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
        assert "CSRF" in text_of(answer) if path.startswith("/api/") else "csrf" in answer.templates[0].name
    assert digest_of_everything() == before


def test_what_changes_something_is_no_get(world: World) -> None:
    """What is tried by another method than GET in the table does not answer GET, unless it is a form's own page."""
    forms = {(route.path) for route in TABLE.routes if route.method == "GET"}
    posts = {route.path for route in TABLE.routes if route.method == "POST" and not route.is_api} - forms
    assert len(posts) > 25
    words = world.words("M") | dict.fromkeys(("thread", "comment", "vote", "waiver"), "1")
    for path in sorted(posts - {"/s/{submission}/"}):
        assert world.clients["M"][0].get(path.format_map(words)).status_code == 405, path
    assert {name for name, method in pages(world.clients["M"][0]) if method not in ("GET", "POST")} == set()


CHILDREN = re.compile(r"{(thread|comment|vote|run|finding|invitation|key|spare|guest|platform|msr)}")
NESTED = [
    (row, route)
    for row in TABLE.rows
    for route in row.routes
    if row.section == "private" and re.search(r"{(slug|submission)}", route.path)
    if CHILDREN.search(route.path + " ".join(str(value) for value in route.sent.values()))
]


@pytest.mark.parametrize(("row", "route"), NESTED, ids=str)
def test_a_child_under_a_wrong_parent_is_not_there(world: World, row: Row, route: Route) -> None:
    """By one who is maintainer of both projects: the id of the child is right, and its parent another one."""
    client = Client()
    client.force_login(world.by("TP").user)  # type: ignore[arg-type]
    with undone():
        words = world.words("TP") | {"today": today().isoformat()}
        for name in row.given:
            words |= given(name, world, "TP")
        before = digest_of_everything()
        answer = ask(client, route, words | world.elsewhere_words())
        # One's mail is one's own, whoever else is a member; the settings say 404 on the page of the project.
        assert answer.status_code == (403 if row.action == "choose another's mail" else 404)
        assert digest_of_everything() == before
        assert not [secret for secret in SECRETS if secret in text_of(answer)]
