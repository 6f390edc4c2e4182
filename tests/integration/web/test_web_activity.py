"""The activity page: the journal in words, for reviewers and admins, filtered, paged, exported."""

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from patreview.accounts.models import User
from patreview.analyses import dispatch
from patreview.journal.models import Entry, Head
from patreview.journal.services import record
from patreview.projects.models import Project
from patreview.reviews.services import adopt, vote
from patreview.web.activity import harmless
from patreview.web.acts import SENTENCES, sentence_of
from tests import make
from tests.conftest import lifted

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


@pytest.fixture
def adopted(team):
    """A submission that went all the way, so that every kind of entry but a few is there."""
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    return submitted.submission


@pytest.fixture
def page(team, client):
    """The activity of the team's project as text, for a reviewer."""

    def read(query="", status=200, *, role="reviewer"):
        client.force_login(getattr(team, role).user)
        answer = client.get(f"/p/{team.project.slug}/activity/{query}")
        assert answer.status_code == status, answer.text
        return answer.text

    return read


def numbers(text):
    """The entries of a page, as it shows them."""
    return [int(number) for number in re.findall(r'<tr id="e(\d+)"', text)]


def export(client, slug, query=""):
    answer = client.get(f"/p/{slug}/activity/export/{query}")
    assert answer.status_code == 200, answer.text
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("door", ["/p/{}/activity/", "/p/{}/activity/export/", "/api/v1/projects/{}/audit"])
@pytest.mark.parametrize(
    ("who", "private", "public"),
    [
        ("viewer", 403, 403),
        ("submitter", 403, 403),
        ("reviewer", 200, 200),
        ("maintainer", 200, 200),
        ("outsider", 404, 403),
        ("admin", 200, 200),
        ("sleeping admin", 404, 403),
        ("nobody", 404, 403),
    ],
)
def test_who_may_read_it(team, client, door, who, private, public):
    if who.endswith("admin"):
        team.outsider.user.is_superuser = True
        team.outsider.user.save()
    people = {"admin": team.outsider, "sleeping admin": team.outsider}
    if who != "nobody":
        client.force_login(people.get(who).user if who in people else getattr(team, who).user)
    if who == "sleeping admin":
        User.objects.filter(pk=team.outsider.user.pk).update(is_active=False)
    turned_away = who in ("nobody", "sleeping admin") and door.startswith("/api")
    path = door.format(team.project.slug)
    assert client.get(path).status_code == (401 if turned_away else private)
    Project.objects.filter(pk=team.project.pk).update(visibility="public")
    assert client.get(path).status_code == (401 if turned_away else public)
    assert client.get(door.format("none")).status_code == (401 if turned_away else 404)


def test_one_who_is_not_logged_in_may_do_so_first(team, client):
    Project.objects.filter(pk=team.project.pk).update(visibility="public")
    path = f"/p/{team.project.slug}/activity/"
    login = f'href="/login/?next={path}"'
    assert login in client.get(path).text
    client.force_login(team.outsider.user)
    assert login not in client.get(path).text


def test_it_says_who_did_what(team, adopted, page):
    text = page()
    assert numbers(text) == list(range(Head.objects.get(project_id=team.project.pk).seq, 0, -1))
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))
    for words in (
        f"{team.reviewer.name} voted: approve",
        f"{team.maintainer.name} adopted a submission",
        "engine judged: compatible",
        "tests created the project",
        "tests gave the role viewer",
    ):
        assert words in said
    assert f'<a href="/s/{adopted.pk}/r1/">#{adopted.pk} r1, run 1</a>' in text
    assert f'<a href="/p/{team.project.slug}/guests/list/?name=dom0&amp;state=all">guest dom0</a>' in text
    head = Head.objects.get(project_id=team.project.pk)
    assert f"<code>{head.seq}:{head.hash[:12]}</code>" in text


def test_an_admin_who_is_no_member_is_led_to_nothing_private(team, adopted, page):
    team.outsider.user.is_superuser = True
    team.outsider.user.save()
    assert f"#{adopted.pk} r1" in page(role="outsider")
    assert f'href="/s/{adopted.pk}/' not in page(role="outsider")


def test_a_token_is_named(team, client, page):
    token = make.make_token(team.project)
    body = {"kind": "layout", "title": "x", "platform": team.platform.name, "layout": make.HARMLESS}
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.post(
        f"/api/v1/projects/{team.project.slug}/submissions", body, content_type="application/json", headers=headers
    )
    assert answer.status_code == 202
    assert f"through the token tests ({token.split('_')[1]})" in page()


def test_what_has_no_words_is_shown_as_it_is(team, page):
    record(team.project.pk, "moon.landed", "crater:<b>7</b>", actor="<i>eve</i>", sea={"name": "<u>"}, nothing=None)
    record(team.project.pk, "vote.cast", "submission:٣/r1", actor="eve")
    text = page()
    assert "moon.landed" in text
    assert "crater &lt;b&gt;7&lt;/b&gt;" in text
    assert "<i>eve" not in text
    assert "<u>" not in text
    assert ">submission ٣/r1<" in text


@pytest.mark.parametrize("action", SENTENCES)
def test_sentences_are_whole(action):
    """A sentence without what it needs gives way to the action's name."""
    assert sentence_of(action, {}) in {action, SENTENCES[action]}
    words = "after before role release layout reason verdict name owner value voter resolution rule expires_on"
    data = {name: f"<{name}>" for name in words.split()} | {"scopes": ["a", "b"]}
    assert "{" not in sentence_of(action, data)
    assert sentence_of(action, data) != action


FILTERS = {
    "?actor=engine": {"run.completed"},
    "?actor=nobody": set(),
    "?action=vote": {"vote.cast"},
    "?action=vote.cast": {"vote.cast"},
    "?action=vot": set(),
    "?object=platform:xen-4.17": {"platform.added", "layout.in_force"},
    "?object=platform:xen-4": set(),
    "?from=2000-01-01&to=9999-12-31&action=project": {"project.created"},
    "?to=2000-01-01": set(),
    "?from=9999-12-31": set(),
    "?from=&to=&actor=&object=&action=comment": set(),
    "?object=%F0%9F%90%A7%27%25_": set(),
}


@pytest.mark.parametrize("query", FILTERS)
def test_filters(team, adopted, page, client, query):
    text = page(query)
    shown = Entry.objects.filter(project_id=team.project.pk, seq__in=numbers(text))
    assert {entry.action for entry in shown} == FILTERS[query]
    assert ("No entry matches" in text) == (not FILTERS[query])
    lines = export(client, team.project.slug, query).splitlines()
    assert {json.loads(line)["action"] for line in lines} == FILTERS[query]
    answer = client.get(
        f"/api/v1/projects/{team.project.slug}/audit{re.sub('(from|to|actor|object)=(&|$)', '', query)}"
    )
    assert {entry["action"] for entry in answer.json()["results"]} == FILTERS[query]


def test_a_submission_includes_its_revisions_and_runs(team, adopted, page):
    record(team.project.pk, "vote.cast", f"submission:{adopted.pk}0/r1", actor="eve", value="nits")
    found = page(f"?object=submission:{adopted.pk}")
    entries = Entry.objects.filter(project_id=team.project.pk, seq__in=numbers(found))
    assert {entry.object for entry in entries} == {f"submission:{adopted.pk}/r1", f"submission:{adopted.pk}/r1/run1"}


@pytest.mark.parametrize(
    "query",
    [
        "?colour=red",
        "?format=csv",
        "?action=VOTE",
        "?action=vote.",
        "?action=%00",
        "?actor=%00",
        "?object=" + "x" * 201,
        "?from=yesterday",
        "?from=2026-02-30",
        "?to=2026-1-1",
        "?from=%D9%A2026-01-01",
        "?from=2026-01-02&to=2026-01-01",
        "?before=x",
        "?before=-1",
        "?before=٣",
        "?before=" + "9" * 40,
    ],
)
def test_what_is_not_understood_is_refused(team, page, client, query):
    page(query, 400)
    if query != "?format=csv":
        assert client.get(f"/p/{team.project.slug}/activity/export/{query}").status_code == 400
    if "2026-1-1" not in query:  # REST takes a day without its zeros
        assert client.get(f"/api/v1/projects/{team.project.slug}/audit{query}").status_code == 400


def test_pages_go_by_key(team, page, client):
    for number in range(120):
        record(team.project.pk, "comment.added", "submission:1/r1", actor="eve", comment=number)
    seen, path = [], "?actor=eve"
    while path:
        text = page(path)
        seen += numbers(text)
        following = re.search(r'/activity/(\?[^"]+)" rel="next"', text)
        path = following[1].replace("&amp;", "&") if following else ""
    last = Head.objects.get(project_id=team.project.pk).seq
    assert seen == list(range(last, last - 120, -1))
    address, rest = f"/api/v1/projects/{team.project.slug}/audit?actor=eve&limit=40", []
    while address:
        answer = client.get(address).json()
        rest += [entry["seq"] for entry in answer["results"]]
        address = answer["next"]
    assert rest == seen


def test_the_number_of_queries_is_constant(team, client, django_assert_max_num_queries):
    client.force_login(team.reviewer.user)
    paths = [f"/p/{team.project.slug}/activity/", f"/api/v1/projects/{team.project.slug}/audit"]

    def count():
        counts = []
        for path in paths:
            with django_assert_max_num_queries(30) as captured:
                assert client.get(path).status_code == 200
            counts.append(len(captured))
        return counts

    record(team.project.pk, "vote.cast", "submission:1/r1", actor="eve", token="t", value="x")
    count()
    before = count()
    for n in range(30):
        record(team.project.pk, "vote.cast", f"submission:{n}/r1", actor=f"a{n}", token=f"t{n}", value="x")
    assert count() == before


def holds(lines):
    """Whether a journal holds, by the documentation alone; the product is not asked."""
    previous = "0" * 64
    for number, line in enumerate(lines, start=1):
        entry = json.loads(line)
        stated = entry.pop("hash")
        body = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        computed = hashlib.sha256(b"patreview-journal-v1\0" + body.encode()).hexdigest()
        if (entry["seq"], entry["prev_hash"], stated) != (number, previous, computed):
            return False
        previous = stated
    return previous


def test_an_outsider_can_check_an_export(team, adopted, client):
    record(team.project.pk, "x", "y", actor="zoë 🐧", text='"<\\\n\u2028é', number=2**53 - 1, none=None, yes=[True, {}])
    client.force_login(team.reviewer.user)
    lines = export(client, team.project.slug).removesuffix("\n").split("\n")
    assert holds(lines) == Head.objects.get(project_id=team.project.pk).hash
    assert not holds(lines[:3] + lines[4:])
    assert not holds([line.replace("approve", "block") for line in lines])
    newest = client.get(f"/api/v1/projects/{team.project.slug}/audit?limit=200").json()
    assert holds(json.dumps(entry) for entry in reversed(newest["results"])) == newest["head"]["hash"]


def test_the_program_of_the_documentation_checks_it(team, adopted, client):
    program = re.search(r"```python\n(import hashlib.*?)```", OPERATIONS.read_text(), re.DOTALL)[1]
    client.force_login(team.reviewer.user)
    text = export(client, team.project.slug)
    ran = subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=True)
    assert ran.stdout == f"holds up to {str(Head.objects.get(project_id=team.project.pk)).replace(':', ' ')}\n"


def test_csv(team, client):
    record(team.project.pk, "x", "=1+1", actor="@eve", note="=cmd|' /C calc'!A0, \"quoted\"\nline")
    client.force_login(team.reviewer.user)
    text = export(client, team.project.slug, "?format=csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    last = Entry.objects.get(action="x")
    assert len(rows) == Head.objects.get(project_id=team.project.pk).seq
    assert (rows[-1]["object"], rows[-1]["actor"], rows[-1]["hash"]) == ("'=1+1", "'@eve", last.hash)
    assert json.loads(rows[-1]["data"]) == last.data
    assert rows[0]["at"] == Entry.objects.get(project_id=team.project.pk, seq=1).at.isoformat()


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1"])
def test_no_cell_is_a_formula(text):
    assert harmless(text) == f"'{text}"
    assert harmless(f"x{text}") == f"x{text}"


def test_an_export_is_a_file(team, client):
    client.force_login(team.reviewer.user)
    answer = client.get(f"/p/{team.project.slug}/activity/export/?format=csv")
    assert answer.streaming
    assert answer["Content-Disposition"] == f'attachment; filename="{team.project.slug}-journal.csv"'
    assert client.get(f"/p/{team.project.slug}/activity/export/?format=xlsx").status_code == 400
    assert client.post(f"/p/{team.project.slug}/activity/export/").status_code == 405


@pytest.mark.parametrize(
    ("role", "scopes", "status"),
    [
        ("reviewer", ("read",), 200),
        ("reviewer", ("submit",), 403),
        ("submitter", ("read",), 403),
    ],
)
def test_tokens(team, client, role, scopes, status):
    headers = {"Authorization": f"Bearer {make.make_token(team.project, role, scopes)}"}
    assert client.get(f"/api/v1/projects/{team.project.slug}/audit", headers=headers).status_code == status
    assert client.get(f"/api/v1/projects/{make.make_project().slug}/audit", headers=headers).status_code == 404


def test_a_token_of_an_admin_has_no_more_than_the_role(team, client):
    text = make.make_token(team.project, "viewer", ("read",))
    headers = {"Authorization": f"Bearer {text}"}
    User.objects.filter(tokens__key=text.split("_")[1]).update(is_superuser=True)
    assert client.get(f"/api/v1/projects/{team.project.slug}/audit", headers=headers).status_code == 403
    assert client.get(f"/api/v1/projects/{make.make_project().slug}/audit", headers=headers).status_code == 404


def test_an_empty_journal_is_no_crash(team, page, client):
    with lifted():
        Entry.objects.all().delete()
        Head.objects.all().delete()
    assert "which it never is" in page()
    assert client.get(f"/api/v1/projects/{team.project.slug}/audit").json()["head"] == {"seq": 0, "hash": "0" * 64}
    assert export(client, team.project.slug) == ""


def test_the_dispatcher_logs_every_head(team, monkeypatch):
    lines = []
    monkeypatch.setattr(dispatch.log, "info", lambda event, **about: lines.append((event, about)))
    other = make.make_project()
    dispatch.log_heads()
    heads = {project.slug: str(Head.objects.get(pk=project.pk)) for project in (team.project, other)}
    assert lines == [("journal head", {"project": slug, "audit_head": head}) for slug, head in heads.items()]
