"""Settings and logs as a process sees them: what production refuses, and what a log line looks like."""

import json
import os
import subprocess
import sys

import pytest

PRODUCTION = {
    "PATREVIEW_ENV": "production",
    "SECRET_KEY": "a" * 20 + "Zq7-" * 20,
    "DATABASE_URL": "postgres://nobody@localhost/none",
    "REDIS_URL": "redis://localhost/0",
    "ALLOWED_HOSTS": "patreview.example.org",
}


def run(code, tmp_path, **variables):
    """A fresh interpreter with these variables alone."""
    environment = {
        "PATH": os.environ["PATH"],
        "PATREVIEW_DATA": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "patreview.settings",
    }
    command = [sys.executable, "-c", f"import django; django.setup(); {code}"]
    return subprocess.run(command, env=environment | variables, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("change", "starts"),
    [
        ({}, True),
        ({"SECRET_KEY": None}, False),
        ({"SECRET_KEY": "short"}, False),
        ({"DATABASE_URL": None}, False),
        ({"DEBUG": "1"}, False),
        ({"PATREVIEW_ENV": "staging"}, False),
    ],
    ids=["complete", "no key", "a short key", "no database", "debug", "an unknown environment"],
)
def test_production_refuses_what_only_suits_development(tmp_path, change, starts):
    variables = {name: value for name, value in (PRODUCTION | change).items() if value is not None}
    result = run("pass", tmp_path, **variables)
    assert (result.returncode == 0) is starts, result.stderr
    if not starts:
        assert "ImproperlyConfigured" in result.stderr
        assert "PATREVIEW_ENV" in result.stderr.splitlines()[-1]


def test_production_cookies_and_transport(tmp_path):
    code = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE,"
        " s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.PATREVIEW_DEMO, s.DEBUG)"
    )
    assert run(code, tmp_path, **PRODUCTION).stdout.split() == [
        "__Host-patreview_session",
        "True",
        "True",
        "True",
        "False",
        "False",
    ]


@pytest.mark.parametrize(
    ("changes", "url", "backend"),
    [
        ({}, "https://patreview.example.org", "dummy"),
        ({"PATREVIEW_URL": "", "ALLOWED_HOSTS": ".example.org"}, "https://example.org", "dummy"),
        ({"PATREVIEW_URL": "https://pat.example.org/", "EMAIL_URL": "smtp+tls://u:p@mail:587"}, None, "smtp"),
    ],
)
def test_where_links_in_mails_lead(tmp_path, changes, url, backend):
    code = "from django.conf import settings as s; print(s.PATREVIEW_URL, s.EMAIL_BACKEND.split('.')[-2])"
    printed = run(code, tmp_path, **PRODUCTION | changes).stdout.split()
    assert printed == [url or "https://pat.example.org", backend]


def test_a_log_line_is_one_json_object_that_input_cannot_forge(tmp_path):
    code = "import logging; logging.getLogger('x').warning('a\\n{\"level\": \"info\"}')"
    result = run(code, tmp_path)
    [line] = result.stderr.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["logger"]) == ("warning", "x")
    assert entry["event"].startswith("a\n")
    assert "timestamp" in entry


def test_text_logs_for_a_person(tmp_path):
    result = run("import logging; logging.getLogger('x').warning('hello')", tmp_path, LOG_FORMAT="text")
    assert "hello" in result.stderr
    assert "{" not in result.stderr
