"""REST v1 over Django's test client: the road of a pipeline, and what it answers to bad input."""

import io
import json
from hashlib import sha256

import pytest

from patreview.analyses.models import Run
from patreview.projects.models import Role, Token
from patreview.submissions.models import Artifact, Submission
from tests import make

CONFIG = "# Linux/x86 6.1.192 Kernel Configuration\nCONFIG_X86_PAT=y\nCONFIG_XEN=y\nCONFIG_XEN_PV=y\n"
GUEST = {"name": "kernel", "mode": "pv", "role": "dom0", "devices": True}


@pytest.fixture
def api(team, client):
    """A caller with a token of scope read and submit; `api(method, path, body)`."""
    token = make.make_token(team.project)

    def call(method, path, body=None, token=token, **headers):
        data = body if isinstance(body, str | bytes) else json.dumps(body) if body is not None else ""
        return client.generic(
            method,
            f"/api/v1/{path}",
            data,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"} | headers,
        )

    return call


@pytest.fixture
def submissions(team):
    return f"projects/{team.project.slug}/submissions"


def layout_body(**fields):
    return {"kind": "layout", "title": "A layout", "platform": "xen-4.17", "layout": make.HARMLESS} | fields


def test_the_road_of_a_pipeline(api, submissions):
    accepted = api("POST", submissions, layout_body(external_key="ci/xen"))
    assert accepted.status_code == 202
    run = accepted.json()["run"]
    assert accepted["Location"] == f"/api/v1/runs/{run['id']}"
    assert accepted["Retry-After"] == "1"
    assert run["state"] == "queued"

    for part in ("report", "findings"):
        early = api("GET", f"runs/{run['id']}/{part}")
        assert (early.status_code, early.json()["code"]) == (409, "no_report")

    make.execute(Run.objects.get(pk=run["id"]))
    finished = api("GET", f"runs/{run['id']}").json()
    assert (finished["state"], finished["verdict"]) == ("completed", "compatible")
    report = api("GET", f"runs/{run['id']}/report")
    assert report.json()["schema"] == "patreview.report/1"
    assert report["ETag"] == f'"{finished["report_digest"]}"'
    listed = api("GET", f"runs/{run['id']}/findings").json()["results"]
    assert [(f["rule"], f["fingerprint"]) for f in listed] == [
        (f["rule"], f["fingerprint"]) for f in report.json()["findings"]
    ]
    assert listed
    again = api("GET", f"runs/{run['id']}/report", **{"If-None-Match": report["ETag"]})
    assert again.status_code == 304

    repeated = api("POST", submissions, layout_body(external_key="ci/xen"))
    assert (repeated.status_code, repeated.json()["created"]) == (200, False)

    detail = api("GET", f"submissions/{accepted.json()['id']}").json()
    assert detail["gate"]["check"] == "satisfied"
    assert detail["gate"]["adopt"] == "pending"
    assert [row["number"] for row in detail["revisions"]] == [1]


def test_a_config_inside_the_json(api, submissions):
    file = {"role": "config", "name": "k.config", "text": CONFIG, "size": len(CONFIG)}
    file["sha256"] = sha256(CONFIG.encode()).hexdigest()
    accepted = api("POST", submissions, {"kind": "guest", "title": "g", "guest": GUEST, "files": [file]})
    assert accepted.status_code == 202


@pytest.mark.parametrize(("field", "value"), [("size", 1), ("sha256", "0" * 64)])
def test_a_truncated_file_is_refused(api, submissions, field, value):
    file = {"role": "config", "name": "k.config", "text": CONFIG, field: value}
    refused = api("POST", submissions, {"kind": "guest", "title": "g", "guest": GUEST, "files": [file]})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == f"/files/0/{field}"
    assert not Submission.objects.exists()


@pytest.fixture
def multipart(team, client, submissions):
    """Send parts, each (name, file name or None, text); `mend` may change the encoded body."""
    token = make.make_token(team.project)

    def send(*parts, mend=lambda body: body, **headers):
        lines = []
        for name, file_name, text in parts:
            of_file = "" if file_name is None else f'; filename="{file_name}"'
            lines += ["--limit", f'Content-Disposition: form-data; name="{name}"{of_file}', "", text]
        body = mend("\r\n".join([*lines, "--limit--", ""]).encode("latin-1"))
        headers |= {"Authorization": f"Bearer {token}"}
        media_type = "multipart/form-data; boundary=limit"
        return client.generic("POST", f"/api/v1/{submissions}", body, content_type=media_type, headers=headers)

    return send


def stated(**declared):
    files = {"files": [{"role": "config", "name": "k.config"} | declared]} if declared else {}
    return ("submission", None, json.dumps({"kind": "guest", "title": "g", "guest": GUEST} | files))


def test_a_config_as_multipart(multipart):
    text = CONFIG + "# caf\xe9\n"
    declared = {"size": len(text), "sha256": sha256(text.encode("latin-1")).hexdigest()}
    for body in (stated(), stated(**declared)):
        accepted = multipart(body, ("config", "k.config", text))
        assert accepted.status_code == 202, accepted.content
    artifact = Artifact.objects.first()
    assert artifact is not None
    assert artifact.name == "k.config"


FILE = ("config", "k.config", CONFIG)
TWICE = [{"role": "config", "name": "a"}, {"role": "config", "name": "b"}]
GUEST_TWICE = {"kind": "guest", "title": "g", "guest": GUEST, "files": TWICE}
LOST = {
    "no JSON": [FILE],
    "two JSON parts": [stated(), stated(), FILE],
    "an unknown part": [stated(), ("other", None, "x")],
    "an unknown file": [stated(), ("picture", "p.png", "x")],
    "JSON that is none": [("submission", None, "{")],
    "the file as a text field": [stated(), ("config", None, CONFIG)],
    "a file without a name": [stated(), ("config", "", CONFIG)],
    "two files of a role": [stated(), FILE, FILE],
    "declared but not sent": [stated(size=3)],
    "another size": [stated(size=3), FILE],
    "another digest": [stated(sha256="0" * 64), FILE],
    "sent twice": [stated(text=CONFIG), FILE],
    "declared twice": [("submission", None, json.dumps(GUEST_TWICE)), FILE],
}


@pytest.mark.parametrize("parts", LOST.values(), ids=LOST.keys())
def test_no_file_is_lost_silently(multipart, parts):
    refused = multipart(*parts)
    assert refused.status_code == 400, refused.content
    assert refused.json()["detail"]
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    "mend",
    [lambda body: body[: len(body) // 2], lambda body: body.replace(b"--limit--", b"")],
    ids=["cut in half", "no closing boundary"],
)
def test_a_multipart_body_that_was_cut_off_is_refused(multipart, mend):
    refused = multipart(stated(), FILE, mend=mend)
    assert (refused.status_code, refused.json()["code"]) == (400, "cut_off")
    assert not Submission.objects.exists()


def test_a_body_shorter_than_it_says_is_refused(client, db):
    for path, media_type in (("/api/v1/whoami", "application/problem+json"), ("/login/", "text/html")):
        refused = client.generic("POST", path, **{"wsgi.input": io.BytesIO(b"half"), "CONTENT_LENGTH": "100"})
        assert refused.status_code == 400
        assert refused["Content-Type"].startswith(media_type)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Transfer-Encoding": "Chunked"}, 411), ({"Content-Encoding": "gzip"}, 415)],
)
def test_bodies_of_unknown_length_or_encoding_are_refused(client, db, headers, status):
    for path in ("/api/v1/whoami", "/login/"):
        assert client.post(path, "x", content_type="text/plain", headers=headers).status_code == status


def test_a_form_over_the_limit_is_413(client, db, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    refused = client.post("/login/", {"username": "x" * 200})
    assert refused.status_code == 413
    assert "100" in refused.text


def test_many_keys_and_many_values_are_refused_at_once(api, submissions):
    keys = ",".join(f'"k{number}":0' for number in range(40_000))
    twice = api("POST", submissions, "{" + keys + ',"k39999":0}')
    assert "twice" in twice.json()["detail"]
    for body in ("{" + keys + "}", '{"files": [' + ",".join(["{}"] * 40_000) + "]}"):
        assert "20000 values" in api("POST", submissions, body).json()["detail"]


def test_digits_of_other_scripts_are_no_numbers(api, submissions):
    assert api("GET", f"{submissions}?limit=%D9%A5").status_code == 400


def test_input_that_makes_no_sense_is_422_with_file_and_line(api, submissions):
    body = layout_body(layout="0x0407050600070206")
    refused = api("POST", submissions, body)
    assert refused.status_code == 422
    assert refused["Content-Type"] == "application/problem+json"
    problem = refused.json()
    assert problem["code"] == "invalid_input"
    assert "PA1" in problem["errors"][0]["message"]
    unknown = api("POST", submissions, layout_body(platform="xen-9"))
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/platform")
    assert "xen-4.17" in unknown.json()["errors"][0]["message"]


BAD_BODIES = {
    "not JSON": "{",
    "empty": "",
    "a list": "[]",
    "a string": '"x"',
    "NaN": '{"kind": NaN}',
    "a key twice": '{"kind": "layout", "kind": "guest"}',
    "half a surrogate": '{"title": "\\ud800"}',
    "NUL": '{"title": "\\u0000"}',
    "deep": "[" * 100 + "]" * 100,
    "very deep": "[" * 100_000 + "]" * 100_000,
    "not UTF-8": b'{"title": "\xff"}',
    "a long number": '{"title": ' + "9" * 5000 + "}",
    "an unknown field": json.dumps(layout_body(verdict="compatible")),
    "no platform": '{"kind": "layout", "title": "x"}',
    "a guest with a platform": json.dumps({"kind": "guest", "title": "x", "guest": GUEST, "platform": "xen-4.17"}),
    "a guest with a layout": json.dumps({"kind": "guest", "title": "x", "guest": GUEST, "layout": "x"}),
    "a number as title": json.dumps(layout_body(title={})),
    "an unknown role of a file": json.dumps(
        {"kind": "guest", "title": "x", "guest": GUEST, "files": [{"role": "x", "name": "y", "text": ""}]}
    ),
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_a_body_that_cannot_be_taken_is_400(api, submissions, body):
    refused = api("POST", submissions, body)
    assert refused.status_code == 400, refused.content
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["detail"]
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    "guest",
    [
        {},
        {"name": 5},
        {"name": "x", "colour": 1},
        {"name": "x", "encodings": {"WC": 9}},
        {"name": "x", "release": "six"},
    ],
    ids=["no name", "a number as name", "an unknown key", "no such index", "no release"],
)
def test_a_guest_that_makes_no_sense_is_422(api, submissions, guest):
    refused = api("POST", submissions, {"kind": "guest", "title": "x", "guest": guest})
    assert refused.status_code == 422, refused.content
    assert refused.json()["errors"][0]["pointer"].startswith("/guest")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("colour=red", "/colour"),
        ("state=done", "/state"),
        ("before=0", "/before"),
        ("before=99999999999999999999", "/before"),
        ("limit=201", "/limit"),
        ("limit=%00", "/limit"),
        ("verdict=fine", "/verdict"),
    ],
)
def test_unknown_filters_and_values_are_400(api, submissions, query, pointer):
    refused = api("GET", f"{submissions}?{query}")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == pointer


def test_no_address_takes_an_unknown_query(api, team, submissions):
    submitted = team.submission()
    pages = ("whoami", "engine", "projects", f"projects/{team.project.slug}", submissions)
    things = (f"submissions/{submitted.submission.pk}", f"runs/{submitted.run.pk}", f"runs/{submitted.run.pk}/report")
    for path in (*pages, *things):
        assert api("GET", path).status_code == 200, path
        assert api("GET", f"{path}?x=1").status_code == 400, path


def test_pages_follow_each_other_by_key(api, team, submissions):
    ids = [make.make_layout_submission(team.platform, team.submitter, title=str(i)).submission.pk for i in range(5)]
    seen, path = [], f"{submissions}?limit=2&kind=layout"
    while path:
        page = api("GET", path).json()
        seen += [row["id"] for row in page["results"]]
        path = page["next"] and page["next"].split("/api/v1/")[1]
    assert seen == ids[::-1]


def test_filters_narrow_the_list(api, team, submissions):
    done = team.submission()
    make.make_layout_submission(team.platform, team.submitter, title="waits")
    rows = api("GET", f"{submissions}?verdict=compatible&state=open").json()["results"]
    assert [row["id"] for row in rows] == [done.submission.pk]


def test_what_one_may_not_see_is_404(api, team, submissions):
    submitted = team.submission()
    foreign = make.make_token(make.make_project())
    paths = (
        f"projects/{team.project.slug}",
        submissions,
        f"submissions/{submitted.submission.pk}",
        f"runs/{submitted.run.pk}",
        f"runs/{submitted.run.pk}/findings",
        f"runs/{submitted.run.pk}/report",
    )
    for path in paths:
        assert api("GET", path).status_code == 200, path
        hidden = api("GET", path, token=foreign)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "not_found"), path
    assert api("POST", submissions, layout_body(), token=foreign).status_code == 404
    assert api("GET", "projects", token=foreign).json()["results"][0]["slug"] != team.project.slug
    assert api("GET", "submissions/99999999999999999999999").status_code == 404


def test_scopes_and_roles_narrow_a_token(api, team, submissions):
    reader = make.make_token(team.project, scopes=("read",))
    assert api("POST", submissions, layout_body(), token=reader).json()["code"] == "scope"
    writer = make.make_token(team.project, scopes=("submit",))
    assert api("GET", submissions, token=writer).status_code == 404, "without read a project is not even visible"
    viewer = make.make_token(team.project, role=Role.VIEWER)
    refused = api("POST", submissions, layout_body(), token=viewer)
    assert (refused.status_code, refused.json()["code"]) == (403, "role")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer x",
        "Bearer prt_00000000_x",
        "Basic eDp5",
        "Bearer prt_\u00e9_x",
        "Bearer " + "x" * 5000,
        "Token x",
    ],
)
def test_without_a_live_token_it_is_401(client, db, header):
    refused = client.get("/api/v1/whoami", headers={"Authorization": header.encode().decode("latin-1")})
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Bearer")
    assert refused["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("change", ["revoked", "expired", "inactive", "left"])
def test_a_dead_token_opens_nothing(api, team, change):
    from django.utils import timezone

    token = Token.objects.get()
    if change == "revoked":
        Token.objects.update(revoked_at=timezone.now())
    elif change == "expired":
        Token.objects.update(expires_at=timezone.now())
    elif change == "inactive":
        type(token.owner).objects.filter(pk=token.owner_id).update(is_active=False)
    else:
        token.owner.memberships.all().delete()
    assert api("GET", f"projects/{team.project.slug}").status_code == (404 if change == "left" else 401)


def test_whoami_and_engine(api, team):
    who = api("GET", "whoami").json()
    assert who["token"]["project"] == team.project.slug
    answer = api("GET", "engine").json()
    assert answer["version"]
    assert {"LAY020", "ENC010", "MIG010", "SCH010"} <= {rule["id"] for rule in answer["rules"]}


def test_prefer_wait_answers_when_it_is_finished(api, team, submissions, monkeypatch):
    from patreview.api import waiting

    def finish_meanwhile(seconds):
        for run in Run.objects.filter(state="queued"):
            make.execute(run)

    monkeypatch.setattr(waiting.time, "sleep", finish_meanwhile)
    answer = api("POST", submissions, layout_body(), Prefer="respond-async, wait=10")
    assert (answer.status_code, answer.json()["run"]["state"]) == (200, "completed")
    assert answer.json()["gate"] == api("GET", f"submissions/{answer.json()['id']}").json()["gate"]
    assert "Retry-After" not in answer


def test_a_wait_ends_in_time(api, team):
    run = make.make_layout_submission(team.platform, team.submitter).run
    assert api("GET", f"runs/{run.pk}?wait=1").json()["state"] == "queued"
    assert api("GET", f"runs/{run.pk}?wait=31").status_code == 400


def test_unknown_addresses_and_methods_are_problems(api, client, db):
    for method, path, status in (("GET", "nothing/here", 404), ("DELETE", "whoami", 405), ("GET", "", 404)):
        refused = api(method, path)
        assert (refused.status_code, refused["Content-Type"]) == (status, "application/problem+json"), path
    assert client.post("/api/v1/whoami", "x", content_type="text/xml").status_code == 401


def test_another_media_type_is_415(api, client, team, submissions):
    token = make.make_token(team.project)
    headers = {"Authorization": f"Bearer {token}"}
    for media_type in ("text/xml", "application/json; charset=utf-16"):
        refused = client.post(f"/api/v1/{submissions}", "{}", content_type=media_type, headers=headers)
        assert refused.status_code == 415, media_type


def test_a_body_over_the_limit_is_413(api, submissions, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    refused = api("POST", submissions, layout_body(note="x" * 2000))
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_a_browser_session_reads_and_needs_csrf_to_write(team, submissions):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(team.submitter.user)
    assert browser.get(f"/api/v1/{submissions}").status_code == 200
    refused = browser.post(f"/api/v1/{submissions}", json.dumps(layout_body()), content_type="application/json")
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")


def test_every_answer_carries_the_security_headers_and_its_id(api, client, db):
    for answer in (api("GET", "whoami"), client.get("/api/v1/x"), client.get("/healthz"), client.get("/nothing")):
        assert answer["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert len(answer["X-Request-ID"]) == 32
    assert client.get("/healthz", headers={"X-Request-ID": "build-1234"})["X-Request-ID"] == "build-1234"
    assert client.get("/healthz", headers={"X-Request-ID": "no spaces"})["X-Request-ID"] != "no spaces"


def test_json_whatever_the_client_accepts(api, client, db):
    for accept in ("text/html", "application/xml", "*/*"):
        assert api("GET", "whoami", Accept=accept)["Content-Type"] == "application/json"
    assert api("GET", "whoami?format=xml").status_code == 400
    for method in ("GET", "POST", "DELETE"):
        assert api(method, "nope").status_code == 404


@pytest.mark.parametrize(("path", "media_type"), [("/api/v1/whoami", "application/problem+json"), ("/", "text/html")])
def test_a_database_that_does_not_answer_is_503(client, db, monkeypatch, path, media_type):
    from django.db import OperationalError

    from patreview.web import home

    def fail(*args):
        raise OperationalError

    monkeypatch.setattr("patreview.api.authentication.find_token", fail)
    monkeypatch.setattr(home, "visible_projects", fail)
    client.raise_request_exception = False
    answer = client.get(path, headers={"Authorization": "Bearer prt_x"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith(media_type)


def test_a_defect_is_500_without_a_trace(client, db, monkeypatch):
    def fail(*args):
        raise ZeroDivisionError

    monkeypatch.setattr("patreview.api.authentication.find_token", fail)
    client.raise_request_exception = False
    answer = client.get("/api/v1/whoami", headers={"Authorization": "Bearer prt_x"})
    assert (answer.status_code, answer.json()["code"]) == (500, "defect")
    assert "Zero" not in answer.content.decode()
