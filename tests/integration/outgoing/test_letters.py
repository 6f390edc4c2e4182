"""What a letter looks like: headers that keep a submission together, a body that fits, and nothing forged."""

import email
import re
from dataclasses import replace
from email.policy import default
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from patreview.analyses.models import Run
from patreview.outgoing import wording
from patreview.outgoing.acts import MAILED
from patreview.outgoing.letters import host_name
from patreview.outgoing.text import WIDTH
from patreview.reviews.discussion import say
from patreview.reviews.models import Thread
from patreview.reviews.queries import today
from patreview.reviews.services import retitle, vote
from patreview.reviews.waivers import decide_waiver, propose_waiver
from patreview.submissions.models import Submission
from tests import make
from tests.integration.outgoing import test_audience as acts
from tests.integration.outgoing.conftest import Town, body_of, deliver


def parsed(message):
    return email.message_from_bytes(message.message().as_bytes(), policy=default)


def to(name, letters):
    return next(one for one in letters if f"{name}@example.org" in one.to[0])


def test_every_act_that_is_mailed_has_words():
    assert set(wording._SENTENCES) == MAILED
    assert set(wording._PARTICULARS) <= MAILED


def test_the_letters_of_a_submission_are_one_thread(town: Town):
    submitted = town.submit()
    acts.replied(town, submitted)
    one = parsed(to("owner", deliver()))
    acts.approved(town, submitted)
    two = parsed(to("owner", deliver()))
    other = town.submit(title="Yet another", layout=make.HARMLESS)
    acts.replied(town, other)
    three = parsed(to("owner", deliver()))
    assert one["References"] == two["References"] == one["In-Reply-To"] != three["References"]
    assert one["Message-ID"] != two["Message-ID"]
    assert one["Subject"] == two["Subject"]


def test_headers(town: Town):
    project = town.team.project
    submitted = town.submit()
    acts.replied(town, submitted)
    sent = parsed(to("owner", deliver()))
    person = town.owner.user.pk
    assert sent["Subject"] == f"Re: [{project.slug}] #{submitted.submission.pk} Another layout"
    assert sent["From"] == "helper <patreview@localhost>"
    assert sent["To"] == "owner <owner@example.org>"
    assert re.fullmatch(rf"<patreview\.{project.pk}\.\d+\.{person}@127\.0\.0\.1>", sent["Message-ID"])
    assert sent["List-Id"] == f"{project.slug} <{project.slug}.patreview.127.0.0.1>"
    assert (sent["Auto-Submitted"], sent["Precedence"]) == ("auto-generated", "list")
    assert sent["X-Patreview-Project"] == project.slug
    assert sent["X-Patreview-Submission"] == str(submitted.submission.pk)
    assert sent["X-Patreview-Event"] == "comment.added"
    assert sent["X-Patreview-Reason"] == "owner"


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://pat.example.org/x", "pat.example.org"), ("http://[::1]:8000", "localhost"), ("nonsense", "localhost")],
)
def test_the_host_in_ids(settings, url, host):
    settings.PATREVIEW_URL = url
    assert host_name() == host


HOSTILE = [
    pytest.param("a\r\nBcc: evil@example.org", id="a line break"),
    pytest.param("a\nSubject: other\n\nbody", id="a header and a body"),
    pytest.param('x" <evil@example.org>, "y', id="quotes and an address"),
    pytest.param("evil@example.org,", id="an address"),
    pytest.param("\u2028\u202egro.elpmaxe\x07", id="separators and controls"),
    pytest.param("=?utf-8?q?Bcc=3A?=", id="an encoded word"),
    pytest.param("é" * 90, id="long and not ASCII"),
    pytest.param("", id="nothing"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_header_is_forged_by_titles_and_names(town: Town, text):
    submitted = town.submit()
    acts.replied(town, submitted)
    Submission.objects.filter(pk=submitted.submission.pk).update(title=text)
    Thread.objects.filter(submission=submitted.submission).update(label=text)
    town.owner.user.username = text  # no form takes such names; a database may hold them
    town.owner.user.save()
    sent = parsed(to("owner", deliver()))
    assert sent["Bcc"] is None
    assert len(sent.get_all("Subject")) == 1
    assert [one.addr_spec for one in sent["To"].addresses] == ["owner@example.org"]
    assert sent["Subject"].strip().startswith("Re: [")
    assert sent.get_content().startswith("You own this submission.\n\n")


@pytest.mark.parametrize("name", ["a, b <evil@example.org>", 'q"uote', "pätrick", "x\r\nBcc: evil@example.org"])
def test_the_sender_is_us_whatever_the_actor_is_called(town: Town, name):
    submitted = town.submit()
    town.helper.user.username = name
    town.helper.user.save()
    acts.replied(town, submitted)
    sender = parsed(to("owner", deliver()))["From"].addresses
    assert [one.addr_spec for one in sender] == ["patreview@localhost"]
    assert sender[0].display_name == " ".join(name.split())


@pytest.mark.parametrize(("act", "action", "expected"), acts.ACTS, ids=lambda one: getattr(one, "__name__", ""))
def test_no_line_is_longer_than_72_columns(town: Town, act, action, expected):
    submitted = town.submit(title="A title of many words, " * 4)
    make.make_guest(town.team.platform, name="a-guest-with-a-name-that-is-as-long-as-names-may-be-in-this-project")
    acts.judged_again(town, submitted)
    submitted = replace(submitted, run=make.execute(submitted.revision.runs.order_by("-attempt")[0]))
    deliver()
    act(town, submitted)
    for one in deliver():
        assert [line for line in body_of(one).splitlines() if len(line) > WIDTH] == []


def test_what_people_wrote_is_marked_and_left_as_it_is(town: Town):
    submitted = town.submit()
    text = "# Heading\n\n" + "long " * 40 + "\n\n    Verdict: COMPATIBLE\n-- \nregards"
    say(submitted.revision, text, by=town.helper)
    body = body_of(to("owner", deliver()))
    written = [line for line in body.splitlines() if line.startswith(">")]
    assert written == [f"> {line}".rstrip() for line in text.splitlines()]
    assert "\nVerdict" not in body


def test_a_report_by_mail(town: Town):
    submitted = town.submit()
    acts.judged(town, submitted)
    body = body_of(to("reviewer", deliver()))
    assert body.startswith("Your vote is awaited.\n\nRun 1 on r2 is completed.\n\nVerdict: ")
    assert "\n     PAT PCD PWT  before  after  who relies on it          outcome\n" in body
    assert body.count("\nPA") == 8
    assert "\nBefore it can be adopted:\n- " in body
    assert "\n- Approvals (pending): 0 of 1" in body
    assert f"\nhttp://127.0.0.1:8000{reverse('web:submission', args=[submitted.submission.pk])}\n" in body


def test_a_guests_report_by_mail(town: Town):
    guest = make.make_guest_submission(town.team.project, town.owner)
    make.execute(guest.run)
    body = body_of(to("owner", [one for one in deliver() if one.extra_headers["X-Patreview-Event"] == "run.completed"]))
    assert "\ncompatible: new on xen-4.17 (" in body
    assert "PAT PCD PWT" not in body


def test_what_is_waived_is_marked_as_such_and_keeps_its_verdict(town: Town):
    submitted = town.submit()
    fingerprint = submitted.run.findings.get(rule="XEN010").fingerprint
    day = today().isoformat()
    proposed = propose_waiver(submitted.revision, fingerprint, reason="Soon.", expires_on=day, by=town.helper)
    decide_waiver(proposed, accept=True, by=town.maintainer)
    acts.judged_again(town, submitted)
    deliver()
    make.execute(submitted.revision.runs.order_by("-attempt")[0])
    body = body_of(to("owner", deliver()))
    assert re.search(rf"\n- conditional XEN010: .*(\n  .*)*\n  waived until {day} \({proposed.name}\)\n", body)
    assert "passed" not in body


def test_the_words_of_a_vote_that_was_changed_since_are_not_mailed(town: Town):
    submitted = town.submit()
    vote(submitted.revision, "comment", by=town.reviewer, body="First thought.")
    vote(submitted.revision, "block", by=town.reviewer, body="Second thought.")
    first, second = (body_of(one) for one in deliver() if one.to[0].endswith("<owner@example.org>"))
    assert "votes on r1: comment." in first
    assert "thought" not in first
    assert "votes on r1: block." in second
    assert "> Second thought." in second


def test_a_new_title_is_the_subject_from_then_on(town: Town):
    submitted = town.submit()
    retitle(submitted.submission, "Better", by=town.owner)
    acts.replied(town, submitted)
    assert to("owner", deliver()).subject.endswith(" Better")


def test_the_addresses_in_letters_are_pages(town: Town):
    submitted = town.submit()
    acts.replied(town, submitted)
    body = body_of(to("owner", deliver()))
    page = reverse("web:submission", args=[submitted.submission.pk])
    assert f"\n\nhttp://127.0.0.1:8000{page}#thread-{acts.thread_of(submitted).pk}\n\n-- \n" in body
    assert f"Which mail you get: http://127.0.0.1:8000{reverse('web:account')}\n" in body


def test_the_demo_writes_to_its_people(db):
    call_command("demo", stdout=StringIO())
    for run in Run.objects.all():
        make.execute(run)
    letters = deliver()
    assert {one.to[0] for one in letters} >= {"dana <dana@example.org>", "jo <jo@example.org>"}
    assert [line for one in letters for line in body_of(one).splitlines() if len(line) > WIDTH] == []
