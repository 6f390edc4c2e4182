"""What makes no sense is refused with 4xx by both doors, whatever it is; and it changes nothing."""

import json

import pytest

from patreview.journal.models import Entry
from patreview.projects.models import Role
from patreview.reviews.discussion import say
from patreview.reviews.models import Comment, Thread, Vote, Waiver
from patreview.reviews.queries import today
from patreview.reviews.services import vote
from patreview.submissions.models import Submission
from tests import make
from tests.integration.review.scenes import conditional, finding, harmful, proposed

#: What no row has: more than SQLite or PostgreSQL number, more than Python reads.
HUGE = (2**31, 2**63 - 1, 2**63, 10**30, 10**300, int("9" * 4300))
ODD_TEXTS = {
    "NUL": "a\0b",
    "only NUL": "\0",
    "escape": "a\x1b[31mb",
    "backspace": "\x08",
    "right to left": "a\u202eb",
    "a line separator": "a\u2028b",
    "a noncharacter": "a\uffff",
    "private use": "\ue000",
    "too long": "x" * 16385,
    "too many lines": "\n" .join("x" * 501),
    "empty": "",
    "blank": " \t\r\n ",
    "zero width alone": "\u200b",
}  # fmt: skip


@pytest.fixture
def scene(team):
    """A harmful layout with a thread, a comment, a block, a proposed waiver and a run that waits; and another one."""
    submitted = harmful(team)
    said = say(submitted.revision, "Which GPU?", by=team.maintainer, asks=True)
    cast = vote(submitted.revision, "block", by=team.reviewer)
    waiver = proposed(team, submitted, last=today().isoformat(), day=today())
    other = make.make_layout_submission(team.platform, team.maintainer)
    make.execute(other.run)
    elsewhere = say(other.revision, "Elsewhere.", by=team.maintainer, asks=True)
    foreign = vote(other.revision, "block", by=team.maintainer)
    return {
        "pk": submitted.submission.pk, "digest": submitted.revision.digest, "thread": said.thread_id,
        "comment": said.pk, "vote": cast.pk, "waiver": waiver.pk, "run": submitted.run.pk,
        "other": other.submission.pk, "other_run": other.run.pk, "other_thread": elsewhere.thread_id,
        "other_comment": elsewhere.pk, "other_vote": foreign.pk,
    }  # fmt: skip


@pytest.fixture
def maintainer(team, client):
    client.force_login(team.maintainer.user)
    return client


def state():
    """All that a review is made of."""
    models = (Vote, Thread, Comment, Waiver, Submission, Entry)
    return [list(model.objects.order_by("pk").values()) for model in models]


def rest(client, method, path, body=None, **headers):
    text = body if isinstance(body, (str, bytes)) else json.dumps(body if body is not None else {})
    return client.generic(method, f"/api/v1/{path}", text, content_type="application/json", headers=headers)


def is_refusal(answer):
    """4xx, in the language of its door."""
    if not 400 <= answer.status_code < 500:
        return False
    kind = answer["Content-Type"]
    return kind == "application/problem+json" if "/api/" in answer.wsgi_request.path else kind.startswith("text/html")


FORMS = [
    ("s/{pk}/", None),
    ("s/{pk}/comment/", {"body": "x"}),
    ("s/{pk}/publish/", {}),
    ("s/{pk}/threads/{thread}/reply/", {"body": "x"}),
    ("s/{pk}/threads/{thread}/resolve/", {"resolution": "fixed"}),
    ("s/{pk}/threads/{thread}/reopen/", {}),
    ("s/{pk}/comments/{comment}/edit/", {"body": "x"}),
    ("s/{pk}/comments/{comment}/discard/", {}),
    ("s/{pk}/comments/{comment}/hide/", {}),
    ("s/{pk}/vote/", {"value": "block"}),
    ("s/{pk}/votes/{vote}/withdraw/", {}),
    ("s/{pk}/votes/{vote}/dismiss/", {"reason": "x"}),
    ("s/{pk}/waivers/", {"fingerprint": "x", "reason": "x", "expires_on": "2026-01-01"}),
    ("s/{pk}/adopt/", {}),
    ("s/{pk}/rerun/", {"reason": "x"}),
    ("s/{pk}/runs/{run}/cancel/", {}),
    ("s/{pk}/withdraw/", {}),
    ("s/{pk}/reopen/", {}),
    ("s/{pk}/title/", {"title": "x"}),
    ("s/{pk}/findings/{print}/", None),
    ("s/{pk}/r{number}/", None),
    ("waivers/{waiver}/decide/", {"decision": "accept"}),
    ("waivers/{waiver}/revoke/", {"reason": "x"}),
]
CALLS = [
    ("GET", "submissions/{pk}", None),
    ("PATCH", "submissions/{pk}", {"title": "x"}),
    ("GET", "submissions/{pk}/gate", None),
    ("GET", "submissions/{pk}/votes", None),
    ("POST", "submissions/{pk}/votes", {"value": "block"}),
    ("DELETE", "submissions/{pk}/votes/{vote}", None),
    ("PUT", "submissions/{pk}/votes/{vote}/dismissal", {"reason": "x"}),
    ("POST", "submissions/{pk}/adoption", None),
    ("PUT", "submissions/{pk}/withdrawal", {}),
    ("DELETE", "submissions/{pk}/withdrawal", None),
    ("GET", "submissions/{pk}/runs", None),
    ("POST", "submissions/{pk}/runs", {"reason": "x"}),
    ("GET", "submissions/{pk}/threads", None),
    ("POST", "submissions/{pk}/threads", {"body": "x"}),
    ("POST", "submissions/{pk}/waivers", {"fingerprint": "ab", "reason": "x", "expires_on": "2026-01-01"}),
    ("PUT", "runs/{run}/cancellation", None),
    ("POST", "threads/{thread}/comments", {"body": "x"}),
    ("PUT", "threads/{thread}/resolution", {"resolution": "fixed"}),
    ("DELETE", "threads/{thread}/resolution", None),
    ("PATCH", "comments/{comment}", {"body": "x"}),
    ("PUT", "comments/{comment}/hiding", None),
    ("GET", "waivers/{waiver}", None),
    ("PUT", "waivers/{waiver}/decision", {"decision": "accept"}),
    ("PUT", "waivers/{waiver}/revocation", {"reason": "x"}),
]
NAMES = ("pk", "thread", "comment", "vote", "waiver", "run", "number")


def spoilt(path, scene, huge):
    """The address with one of its numbers made huge, for each of them."""
    known = scene | {"number": 1, "print": "ab"}
    return [path.format(**known | {name: huge}) for name in NAMES if f"{{{name}}}" in path]


@pytest.mark.parametrize("huge", HUGE, ids=lambda number: f"{len(str(number))} digits {str(number)[-1]}")
def test_huge_numbers_in_addresses(scene, maintainer, huge):
    before = state()
    for path, body in FORMS:
        for address in spoilt(path, scene, huge):
            answer = maintainer.get(f"/{address}") if body is None else maintainer.post(f"/{address}", body)
            assert answer.status_code == 404, address[:80]
    for method, path, body in CALLS:
        for address in spoilt(path, scene, huge):
            answer = rest(maintainer, method, address, body, **{"If-Match": f'"{scene["digest"]}"'})
            assert (answer.status_code, is_refusal(answer)) == (404, True), (method, address[:80])
    assert state() == before


@pytest.mark.parametrize("odd", ["-1", "0", "1.0", "1e3", "0x1", "%00", "\u0661", "none", "1;2", " 1"])
def test_what_is_no_number_in_addresses(scene, maintainer, odd):
    before = state()
    for path, body in FORMS:
        for address in spoilt(path, scene, odd):
            answer = maintainer.get(f"/{address}") if body is None else maintainer.post(f"/{address}", body)
            assert is_refusal(answer), address
    for method, path, body in CALLS:
        for address in spoilt(path, scene, odd):
            assert is_refusal(rest(maintainer, method, address, body)), (method, address)
    assert state() == before


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_texts(scene, maintainer, text):
    before, page = state(), f"/s/{scene['pk']}"
    forms = [
        (f"{page}/comment/", {"body": text}),
        (f"{page}/comment/", {"body": text, "action": "draft"}),
        (f"{page}/threads/{scene['thread']}/reply/", {"body": text}),
        (f"{page}/comments/{scene['comment']}/edit/", {"body": text}),
        (f"{page}/votes/{scene['vote']}/dismiss/", {"reason": text}),
        (f"{page}/waivers/", {"fingerprint": "ab", "reason": text, "expires_on": today().isoformat()}),
        (f"/waivers/{scene['waiver']}/revoke/", {"reason": text}),
        (f"{page}/title/", {"title": text}),
        (f"{page}/rerun/", {"reason": text}),
    ]
    if text.strip(" \t\r\n"):  # what need not be there is refused only when it is odd
        forms.append((f"{page}/vote/", {"value": "block", "digest": scene["digest"], "body": text}))
        forms.append((f"/waivers/{scene['waiver']}/decide/", {"decision": "reject", "note": text}))
    answers = {(path, tuple(body)): maintainer.post(path, body).status_code for path, body in forms}
    assert set(answers.values()) <= {400, 404, 409}, answers
    under = f"submissions/{scene['pk']}"
    calls = [
        ("POST", f"{under}/threads", {"body": text}),
        ("POST", f"threads/{scene['thread']}/comments", {"body": text}),
        ("PATCH", f"comments/{scene['comment']}", {"body": text}),
        ("PUT", f"{under}/votes/{scene['vote']}/dismissal", {"reason": text}),
        ("POST", f"{under}/waivers", {"fingerprint": "ab", "reason": text, "expires_on": today().isoformat()}),
        ("PUT", f"waivers/{scene['waiver']}/revocation", {"reason": text}),
        ("PATCH", under, {"title": text}),
        ("POST", f"{under}/runs", {"reason": text}),
    ]
    for method, path, body in calls:
        answer = rest(maintainer, method, path, body)
        assert is_refusal(answer), (method, path, answer.status_code)
    assert state() == before


SURROGATE = '"\\ud800"'


@pytest.mark.parametrize("text", [SURROGATE, '"a\\udfffb"', '"\\udc00\\ud800"', '"\\u0000"', '"a\\u0000"'])
def test_halves_of_characters_by_rest(scene, maintainer, text):
    before, under = state(), f"submissions/{scene['pk']}"
    calls = [
        ("POST", f"{under}/threads", f'{{"body": {text}}}'),
        ("POST", f"{under}/threads", f'{{"body": "x", "anchor": "guest", "key": {text}}}'),
        ("POST", f"{under}/threads", f'{{"body": "x", {text}: 1}}'),
        ("POST", f"{under}/votes", f'{{"value": "block", "body": {text}}}'),
        ("POST", f"{under}/votes", f'{{"value": {text}}}'),
        ("POST", f"{under}/waivers", f'{{"fingerprint": {text}, "reason": "x", "expires_on": "2026-01-01"}}'),
        ("POST", f"{under}/waivers", f'{{"fingerprint": "ab", "reason": "x", "expires_on": {text}}}'),
        ("PUT", f"waivers/{scene['waiver']}/decision", f'{{"decision": "reject", "note": {text}}}'),
        ("PUT", f"threads/{scene['thread']}/resolution", f'{{"resolution": {text}}}'),
    ]
    for method, path, body in calls:
        answer = rest(maintainer, method, path, body, **{"If-Match": f'"{scene["digest"]}"'})
        assert (answer.status_code, is_refusal(answer)) == (400, True), (method, path, body)
    assert state() == before


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "5", '"x"', "[[]]", "{", "true", '{"body": null}', '{"body": 5}', '{"body": []}', '{"body": {}}',
     '{"body": true}', '{"value": 1}', '{"reason": {}}', '{"body": "x", "more": 1}', '{"body": "a", "body": "b"}',
     '{"body": NaN}', b"\xff\xfe", b'{"body": "\xff"}', "[" * 10000, '{"body": "x", "asks": "perhaps"}',
     '{"body": "x", "anchor": ["entry"]}', '{"body": "x", "key": [5e400]}'],
)  # fmt: skip
def test_odd_bodies(scene, maintainer, body):
    before = state()
    for method, path, told in CALLS:
        if not told:
            continue
        address = path.format(**scene)
        answer = rest(maintainer, method, address, body, **{"If-Match": f'"{scene["digest"]}"'})
        allowed = answer.status_code in (200, 201) and isinstance(body, str) and '"body": 5' in body
        assert allowed or is_refusal(answer), (method, address, answer.status_code)
    assert '"body": 5' in str(body) or '"body": true' in str(body) or state() == before


@pytest.mark.parametrize(
    ("anchor", "key"),
    [
        ("nothing", ""), ("", "x"), ("REVISION", ""), ("entry", ""), ("entry", "PA8"), ("entry", "pa0"),
        ("entry", "PA-1"), ("entry", "PA0\0"),
        ("guest", ""), ("guest", "nobody"), ("guest", "x" * 5000), ("finding", ""),
        ("finding", "0" * 16), ("finding", "x" * 5000), ("finding", "%"), ("guest", "'; drop table reviews_thread; --"),
    ],
)  # fmt: skip
def test_what_a_thread_cannot_be_about(scene, maintainer, anchor, key):
    before = state()
    form = maintainer.post(f"/s/{scene['pk']}/comment/", {"body": "x", "about": f"{anchor}:{key}"})
    assert form.status_code == 404
    sent = {"body": "x", "anchor": anchor, "key": key}
    assert rest(maintainer, "POST", f"submissions/{scene['pk']}/threads", sent).status_code in (400, 404)
    assert state() == before


def test_findings_and_guests_of_another_submission(team, maintainer):
    harmless, other = team.submission(), conditional(team)
    found = finding(other.revision, "conditional")["fingerprint"]
    before = state()
    pk = harmless.submission.pk
    for anchor, key in (("finding", found), ("guest", "new")):
        form = maintainer.post(f"/s/{pk}/comment/", {"body": "x", "about": f"{anchor}:{key}"})
        call = rest(maintainer, "POST", f"submissions/{pk}/threads", {"body": "x", "anchor": anchor, "key": key})
        assert (form.status_code, call.status_code) == (404, 404)
    sent = {"fingerprint": found, "reason": "x", "expires_on": today().isoformat()}
    assert maintainer.post(f"/s/{pk}/waivers/", sent).status_code == 404
    assert rest(maintainer, "POST", f"submissions/{pk}/waivers", sent).status_code == 404
    assert maintainer.get(f"/s/{pk}/findings/{found}/").status_code == 404
    assert state() == before


def test_what_belongs_to_another_submission(scene, maintainer):
    """A number that is right, under a submission that it is not of."""
    before, page = state(), f"/s/{scene['pk']}"
    forms = [
        f"{page}/threads/{scene['other_thread']}/reply/", f"{page}/threads/{scene['other_thread']}/resolve/",
        f"{page}/threads/{scene['other_thread']}/reopen/", f"{page}/comments/{scene['other_comment']}/edit/",
        f"{page}/comments/{scene['other_comment']}/discard/", f"{page}/comments/{scene['other_comment']}/hide/",
        f"{page}/votes/{scene['other_vote']}/withdraw/", f"{page}/votes/{scene['other_vote']}/dismiss/",
        f"{page}/runs/{scene['other_run']}/cancel/",
    ]  # fmt: skip
    sent = {"body": "x", "resolution": "fixed", "reason": "x"}
    assert [maintainer.post(path, sent).status_code for path in forms] == [404] * len(forms)
    wrong = f"submissions/{scene['pk']}/votes/{scene['other_vote']}"
    assert rest(maintainer, "DELETE", wrong).status_code == 404
    assert rest(maintainer, "PUT", f"{wrong}/dismissal", {"reason": "x"}).status_code == 404
    assert state() == before


def test_what_belongs_to_another_project(scene, client):
    """A maintainer of another project finds nothing by any address, and changes nothing."""
    stranger = make.make_member(make.make_project(), Role.MAINTAINER)
    client.force_login(stranger.user)
    known, before = scene | {"number": 1, "print": "ab"}, state()
    for path, body in FORMS:
        address = f"/{path.format(**known)}"
        assert (client.get(address) if body is None else client.post(address, body)).status_code == 404, address
    for method, path, body in CALLS:
        answer = rest(client, method, path.format(**known), body, **{"If-Match": f'"{scene["digest"]}"'})
        assert answer.status_code == 404, path
    assert state() == before


@pytest.mark.parametrize(
    ("tag", "expected"),
    [(None, 428), ("", 428), ("x", 428), ('"x"', 412), ("*", 412), ('W/"{digest}"', 412), ('"{digest}', 428),
     ('"{digest}" ', 409), ('"x", "{digest}"', 409), ("\u00e9", 428), ('"' + "x" * 8000 + '"', 412)],
)  # fmt: skip
def test_if_match(scene, maintainer, tag, expected):
    """Adoption asks for the digest that was read; 409 is the gate's own answer once it is the right one."""
    headers = {} if tag is None else {"If-Match": tag.format(digest=scene["digest"])}
    before = state()
    answer = rest(maintainer, "POST", f"submissions/{scene['pk']}/adoption", {}, **headers)
    assert answer.status_code == expected
    if expected != 409:
        vote_ = rest(maintainer, "POST", f"submissions/{scene['pk']}/votes", {"value": "block"}, **headers)
        assert vote_.status_code == expected
    assert state() == before


@pytest.mark.parametrize(
    "query",
    ["before=0x1", "before=-1", "before=%00", "before=" + "9" * 20, "before=" + "9" * 6000,
     "before=" + "0" * 20 + "9" * 6000, "before=\u0661", "state=odd", "state=%00", "state=active&more=1", "x=1"],
)  # fmt: skip
def test_odd_queries_of_lists(team, maintainer, query):
    slug = team.project.slug
    paths = [f"/p/{slug}/{name}/" for name in ("waivers", "submissions", "activity")]
    paths.append(f"/api/v1/projects/{slug}/waivers")
    for path in paths:
        assert maintainer.get(f"{path}?{query}").status_code == 400, path


@pytest.mark.parametrize("name", ["guests", "layouts"])
@pytest.mark.parametrize("text", ["9" * 20, "9" * 6000, "0" * 20 + "9" * 6000, "-1", "\u0661", "1.0"])
def test_odd_places_to_go_on_from(team, maintainer, name, text):
    assert maintainer.get(f"/p/{team.project.slug}/{name}/?after={text}").status_code == 400
