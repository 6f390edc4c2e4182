"""Logging in and out, and the pages for what goes wrong."""

import pytest
from django.conf import settings
from django.test import Client

from patreview.demo.story import STORY
from patreview.web import errors
from tests import make


@pytest.fixture
def user(db):
    return make.make_user("ada")


def test_log_in_leads_to_where_one_wanted_to_go(client, user):
    sent = {"username": "ada", "password": make.PASSWORD, "next": "/p/x/"}
    answer = client.post("/login/", sent)
    assert (answer.status_code, answer["Location"]) == (303, "/p/x/")
    assert client.get("/login/")["Location"] == "/"


@pytest.mark.parametrize("wanted", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", ""])
def test_log_in_leads_nowhere_else(client, user, wanted):
    sent = {"username": "ada", "password": make.PASSWORD, "next": wanted}
    assert client.post("/login/", sent)["Location"] == "/"


def test_a_wrong_password_keeps_the_name(client, user):
    answer = client.post("/login/", {"username": "ada", "password": "no"})
    assert answer.status_code == 422
    assert "Name or password is wrong." in answer.text
    assert 'value="ada"' in answer.text


def test_guessing_is_slowed(client, user):
    for _ in range(settings.SIGN_IN_GUESSES):
        client.post("/login/", {"username": "ada", "password": "no"})
    answer = client.post("/login/", {"username": "ada", "password": make.PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= settings.SIGN_IN_WINDOW_S
    assert "Too many attempts. Try again in" in answer.text


def test_log_out(client, user):
    client.force_login(user)
    assert client.post("/logout/")["Location"] == "/login/"
    assert "_auth_user_id" not in client.session


def test_the_demo_names_its_people(client, db, settings):
    settings.PATREVIEW_DEMO = True
    page = client.get("/login/").text
    assert all(f"<code>{name}</code>" in page for story in STORY for name in story.members)
    settings.PATREVIEW_DEMO = False
    assert "<code>" not in client.get("/login/").text


def test_not_found_asks_to_log_in(client, user):
    assert "Log in</a>" in client.get("/nothing/").text
    client.force_login(user)
    answer = client.get("/nothing/")
    assert answer.status_code == 404
    assert "To the start page" in answer.text


def test_another_method(client, db):
    answer = client.get("/logout/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "Not by this way" in answer.text


def test_a_form_without_a_token(user):
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/login/", {"username": "ada"})
    assert answer.status_code == 403
    assert "This form is out of date" in answer.text


def test_a_request_that_is_too_large(client, user, settings):
    client.force_login(user)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = client.post("/login/", {"username": "a" * 2000})
    assert answer.status_code == 413
    assert "Too large" in answer.text


def test_the_page_of_a_fault_needs_nothing(rf):
    answer = errors.server_error(rf.get("/"))
    assert answer.status_code == 500
    assert b"Something failed here" in answer.content
