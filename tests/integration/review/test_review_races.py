"""People who decide at the same moment, on real connections: one of them wins, and what is left fits together."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from patreview.analyses.models import Run
from patreview.analyses.queries import last_run
from patreview.analyses.services import cancel_run, request_run
from patreview.analyses.staleness import look_at, sweep
from patreview.catalogue.models import Guest, Platform
from patreview.journal.models import Entry
from patreview.journal.services import first_broken
from patreview.projects.errors import Refused
from patreview.projects.models import Role
from patreview.reviews.discussion import discard, edit, publish, reopen_thread, reply, resolve, say
from patreview.reviews.models import Comment, Thread, Vote, Waiver
from patreview.reviews.queries import today
from patreview.reviews.services import adopt, dismiss_vote, vote, withdraw, withdraw_vote
from patreview.reviews.waivers import decide_waiver, propose_waiver, revoke_waiver
from patreview.submissions.models import Submission
from tests import make
from tests.integration.review.scenes import OTHER, finding, harmful, proposed, standing, status

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 32
ROUNDS = 4


def side_by_side(*acts):
    """Run acts in threads that start together: what each returned, or the code of its refusal."""
    barrier = threading.Barrier(len(acts))

    def run(act):
        connection.ensure_connection()
        barrier.wait()
        try:
            return act()
        except Refused as exc:
            return exc.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def done(act, *args, **kwargs):
    """An act that answers "ok"."""

    def acted():
        act(*args, **kwargs)
        return "ok"

    return acted


def entries(project, action):
    return Entry.objects.filter(project_id=project.pk, action=action).count()


def test_many_votes_of_one_person(team):
    submitted = team.submission()
    values = ["approve", "nits", "comment", "request_changes", "block"] * 7
    answers = side_by_side(
        *[done(vote, submitted.revision, value, by=team.reviewer) for value in values[:MANY]]
    )  # fmt: skip
    assert answers == ["ok"] * MANY
    cast = Vote.objects.get()
    last = Entry.objects.filter(project_id=team.project.pk, action="vote.cast").order_by("-seq")[0]
    assert last.data["value"] == cast.value, "the journal's last word is the vote that stands"
    assert entries(team.project, "vote.cast") == MANY
    assert first_broken(team.project.pk) is None


def test_many_votes_of_many_people(team):
    submitted = team.submission()
    people = [make.make_member(team.project, Role.REVIEWER) for _ in range(MANY)]
    values = ["approve", "block", "nits", "request_changes"] * (MANY // 4)
    answers = side_by_side(
        *[done(vote, submitted.revision, value, by=who) for value, who in zip(values, people, strict=True)]
    )  # fmt: skip
    assert answers == ["ok"] * MANY
    assert Vote.objects.count() == MANY == entries(team.project, "vote.cast")
    assert status(submitted.revision, "no_objection") == "unsatisfied"
    assert first_broken(team.project.pk) is None


def test_many_adoptions_of_one(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    people = [make.make_member(team.project, Role.MAINTAINER) for _ in range(MANY)]
    digest = submitted.revision.digest
    answers = side_by_side(*[done(adopt, submitted.revision, by=who, digest=digest) for who in people])
    assert sorted(answers) == ["not_open"] * (MANY - 1) + ["ok"]
    assert entries(team.project, "submission.adopted") == 1 == entries(team.project, "layout.in_force")
    assert first_broken(team.project.pk) is None


def test_many_layouts_for_one_platform(team):
    """Each was right by what was in force; once one is adopted the others were judged by another baseline."""
    layouts = [f"WB WT UC- UC WC WP {six} {seven}" for six in ("UC", "UC-", "WP") for seven in ("UC-", "WP", "WT")]
    made = [team.submission(layout=layout) for layout in layouts]
    for one in made:
        vote(one.revision, "approve", by=team.reviewer)
    assert all(status(one.revision, "report_current") == "satisfied" for one in made)
    answers = side_by_side(
        *[done(adopt, one.revision, by=team.maintainer, digest=one.revision.digest) for one in made]
    )  # fmt: skip
    assert sorted(answers) == ["gate"] * (len(made) - 1) + ["ok"]
    winner = Submission.objects.get(state="adopted")
    in_force = Platform.objects.get(pk=team.platform.pk).layout.msr
    assert winner.current.content["layout"]["msr"] == in_force


@pytest.mark.parametrize("objection", ["block", "request_changes"])
@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_objection_against_an_adoption(team, objection, number):
    """Whichever comes first: never is something adopted that somebody objected to before."""
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    objectors = [make.make_member(team.project, Role.REVIEWER) for _ in range(7)]
    digest = submitted.revision.digest
    adopted, *objected = side_by_side(
        done(adopt, submitted.revision, by=team.maintainer, digest=digest),
        *[done(vote, submitted.revision, objection, by=who) for who in objectors],
    )
    seqs = {entry.action: entry.seq for entry in Entry.objects.filter(project_id=team.project.pk).order_by("seq")}
    state = Submission.objects.get().state
    if adopted == "ok":
        assert state == "adopted"
        assert set(objected) == {"not_open"}, "what came after it was refused"
        assert Vote.objects.filter(value=objection).count() == 0
    else:
        assert (adopted, state) == ("gate", "open")
        assert "submission.adopted" not in seqs
        assert set(objected) == {"ok"}


@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_approval_taken_back_against_an_adoption(team, number):
    submitted = team.submission()
    cast = vote(submitted.revision, "approve", by=team.reviewer)
    digest = submitted.revision.digest
    answers = side_by_side(
        done(adopt, submitted.revision, by=team.maintainer, digest=digest), done(withdraw_vote, cast, by=team.reviewer)
    )
    assert answers in (["ok", "not_open"], ["gate", "ok"])


@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_open_thread_against_an_adoption(team, number):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    digest = submitted.revision.digest
    adopted, said = side_by_side(
        done(adopt, submitted.revision, by=team.maintainer, digest=digest),
        done(say, submitted.revision, "Wait.", by=team.submitter, asks=True),
    )
    order = list(Entry.objects.filter(project_id=team.project.pk).order_by("seq").values_list("action", flat=True))
    assert said == "ok"
    if adopted == "ok":
        assert order.index("submission.adopted") < order.index("comment.added")
    else:
        assert adopted == "gate"


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_withdrawal_against_an_adoption(team, number):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    digest = submitted.revision.digest
    answers = side_by_side(
        done(adopt, submitted.revision, by=team.maintainer, digest=digest),
        done(withdraw, submitted.submission, by=team.submitter),
    )
    assert sorted(answers) == ["not_open", "ok"]
    state = Submission.objects.get().state
    assert state == ("adopted" if answers[0] == "ok" else "withdrawn")


def by_rest(who, submission, path, digest, body):
    client = Client()
    client.force_login(who.user)

    def call():
        answer = client.post(
            f"/api/v1/submissions/{submission.pk}/{path}", json.dumps(body), content_type="application/json",
            headers={"If-Match": f'"{digest}"'},
        )  # fmt: skip
        return answer.status_code

    return call


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_decision_by_rest_against_a_new_revision(team, number):
    """If-Match names what was read: a decision is of that revision, or 412."""
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    found, digest = submitted.submission, submitted.revision.digest
    acts = [by_rest(team.maintainer, found, "adoption", digest, {}) for _ in range(3)]
    acts.append(lambda: make.make_layout_submission(team.platform, team.submitter, layout=OTHER, submission=found))
    *adopted, revised = side_by_side(*acts)
    found.refresh_from_db()
    if found.state == "adopted":
        assert sorted(adopted) == [201, 409, 409]
        assert revised == "not_open"
        assert found.current.digest == digest
    else:
        assert set(adopted) == {412}
        assert found.current.number == 2


@pytest.mark.parametrize("number", range(ROUNDS))
def test_votes_by_rest_against_a_new_revision(team, number):
    submitted = team.submission()
    found, digest = submitted.submission, submitted.revision.digest
    people = [make.make_member(team.project, Role.REVIEWER) for _ in range(6)]
    votes = [by_rest(who, found, "votes", digest, {"value": "approve"}) for who in people]
    *answers, _ = side_by_side(
        *votes, lambda: make.make_layout_submission(team.platform, team.submitter, layout=OTHER, submission=found)
    )
    assert set(answers) <= {201, 412}
    found.refresh_from_db()
    assert (found.current.number, found.current.votes.count()) == (2, 0)
    assert submitted.revision.votes.count() == answers.count(201)


def test_many_people_dismiss_one_block(team):
    submitted = team.submission()
    cast = vote(submitted.revision, "block", by=team.reviewer)
    people = [make.make_member(team.project, Role.MAINTAINER) for _ in range(8)]
    answers = side_by_side(
        *[done(dismiss_vote, cast, f"By {who.name}.", by=who) for who in people],
        *[done(withdraw_vote, cast, by=team.reviewer)] * 2,
    )
    assert 1 <= answers.count("ok") <= 2
    assert entries(team.project, "vote.dismissed") <= 1
    assert entries(team.project, "vote.withdrawn") == 1
    assert set(answers) <= {"ok", "dismissed", "no_objection", "withdrawn"}
    assert status(submitted.revision, "no_objection") == "satisfied"


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_dismissal_against_a_changed_vote(team, number):
    """What is dismissed is what was looked at: a vote that became another meanwhile stays as it is."""
    submitted = team.submission()
    cast = vote(submitted.revision, "block", by=team.reviewer)
    dismissed, changed = side_by_side(
        done(dismiss_vote, cast, "It was mended.", by=team.maintainer),
        done(vote, submitted.revision, "request_changes", by=team.reviewer),
    )
    assert changed == "ok"
    assert dismissed in ("ok", "dismissed")
    assert standing(submitted.revision) == {team.reviewer.name: "active"}


@pytest.mark.parametrize("number", range(ROUNDS))
def test_two_maintainers_decide_on_one_waiver(team, number):
    submitted = harmful(team)
    waiver = proposed(team, submitted, last=today().isoformat(), day=today())
    people = [make.make_member(team.project, Role.MAINTAINER) for _ in range(6)]
    answers = side_by_side(
        *[done(decide_waiver, waiver, accept=bool(n % 2), by=who) for n, who in enumerate(people)]
    )  # fmt: skip
    assert sorted(answers) == ["decided"] * 5 + ["ok"]
    waiver.refresh_from_db()
    winner = answers.index("ok")
    assert (waiver.state, waiver.decided_by) == ("active" if winner % 2 else "rejected", people[winner].user)
    assert entries(team.project, "waiver.accepted") + entries(team.project, "waiver.rejected") == 1


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_decision_against_taking_back(team, number):
    submitted = harmful(team)
    waiver = proposed(team, submitted, last=today().isoformat(), day=today())
    decided, revoked = side_by_side(
        done(decide_waiver, waiver, accept=True, by=team.maintainer),
        done(revoke_waiver, waiver, "No.", by=team.submitter),
    )
    assert (decided, revoked) in (("ok", "ok"), ("decided", "ok"))
    waiver.refresh_from_db()
    assert waiver.state == "revoked"


def test_one_finding_is_proposed_once_whichever_submission_it_is_of(team):
    """Waivers are of a project: two submissions with the same finding have one between them."""
    made = [harmful(team), *(team.submission(layout=make.LINUX) for _ in range(3))]
    prints = {finding(one.revision, "incompatible")["fingerprint"] for one in made}
    assert len(prints) == 1
    fields = {"reason": "Known.", "expires_on": today().isoformat()}
    answers = side_by_side(
        *[done(propose_waiver, one.revision, *prints, by=team.submitter, **fields) for one in made * 2]
    )
    assert sorted(answers) == ["ok"] + ["proposed"] * 7
    assert Waiver.objects.count() == 1


@pytest.mark.parametrize("number", range(ROUNDS))
def test_resolve_against_reopen(team, number):
    thread = say(team.submission().revision, "Which GPU?", by=team.reviewer, asks=True).thread
    acts = [done(resolve, thread, "fixed", by=team.submitter), done(reopen_thread, thread, by=team.reviewer)] * 4
    answers = side_by_side(*acts)
    assert set(answers) <= {"ok", "not_open", "open"}
    counts = [entries(team.project, f"thread.{act}") for act in ("resolved", "reopened")]
    assert [answers[::2].count("ok"), answers[1::2].count("ok")] == counts
    thread.refresh_from_db()
    assert counts[0] - counts[1] == (1 if thread.state == "resolved" else 0)
    assert (thread.state == "resolved") == bool(thread.resolution) == bool(thread.resolved_by)


def test_many_begin_one_thread(team):
    submitted = team.submission()
    people = [make.make_member(team.project) for _ in range(8)]
    answers = side_by_side(
        *[done(say, submitted.revision, "x", by=who, anchor="entry", key="PA6", asks=True) for who in people]
    )
    assert (answers, Thread.objects.count(), Comment.objects.count()) == (["ok"] * 8, 1, 8)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_draft_published_against_changed_and_thrown_away(team, number):
    submitted = team.submission()
    said = say(submitted.revision, "before", by=team.reviewer, draft=True)
    published, edited, thrown, replied = side_by_side(
        done(publish, submitted.submission, by=team.reviewer),
        done(edit, said, "after", by=team.reviewer),
        done(discard, said, by=team.reviewer),
        done(reply, said.thread, "more", by=team.reviewer),
    )
    left = Comment.objects.filter(pk=said.pk).first()
    if thrown == "ok":
        assert left is None
        assert published == "no_drafts"
    else:
        assert (published, thrown, left.is_draft) == ("ok", "not_a_draft", False)
        assert edited == "ok"
        was_edited_late = entries(team.project, "comment.edited") == 1
        assert (left.body, bool(left.edited_at)) == ("after", was_edited_late)
    assert edited in ("ok", "gone")
    assert (replied == "ok") == (Comment.objects.filter(body="more").count() == 1)
    assert not Thread.objects.filter(comments=None).exists()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_sweeps_at_once_queue_one_run(team, number):
    submitted = team.submission()
    make.make_guest(team.platform, name="came later")
    side_by_side(*[sweep] * 4)
    while sweep():
        pass
    attempts = list(Run.objects.order_by("attempt").values_list("attempt", "state", "trigger"))
    assert attempts == [(1, "completed", "submitted"), (2, "queued", "catalogue")]
    assert entries(team.project, "run.requested") == 1
    assert last_run(submitted.revision).attempt == 2


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_sweep_against_an_adoption_or_a_withdrawal(team, number):
    """What was decided keeps the report that it was decided by."""
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer)
    digest = submitted.revision.digest
    if number % 2:
        make.make_guest(team.platform, name="came later")
    act = (
        done(withdraw, submitted.submission, by=team.submitter) if number % 2
        else done(adopt, submitted.revision, by=team.maintainer, digest=digest)
    )  # fmt: skip
    answers = side_by_side(act, done(look_at, submitted.run.pk), done(look_at, submitted.run.pk))
    assert answers == ["ok"] * 3
    runs = Run.objects.count()
    look_at(submitted.run.pk)
    assert Run.objects.count() == runs, "a closed submission is not run again"
    if not number % 2:
        assert runs == 1


def test_another_run_is_asked_for_once(team):
    submitted = team.submission()
    answers = side_by_side(*[done(request_run, submitted.revision, by=team.submitter, reason="Again.")] * 8)
    assert sorted(answers) == ["ok"] + ["run_under_way"] * 7
    run = last_run(submitted.revision)
    stops = side_by_side(*[done(cancel_run, run, by=team.submitter)] * 4, done(make.execute, run))
    assert stops[:4].count("ok") <= 1
    run.refresh_from_db()
    assert run.state == ("cancelled" if "ok" in stops[:4] else "completed")
    assert hasattr(run, "report") == (run.state == "completed")
    assert Submission.objects.get().run_state == run.state


def test_guests_of_one_name_are_adopted_one_after_the_other(team):
    made = [make.make_guest_submission(team.project, team.submitter, cmdline=f"loglevel={n}") for n in range(4)]
    for one in made:
        make.execute(one.run)
        vote(one.revision, "approve", by=team.reviewer)
    answers = side_by_side(*[done(adopt, one.revision, by=team.maintainer, digest=one.revision.digest) for one in made])
    adopted = Submission.objects.filter(state="adopted")
    assert adopted.count() == 1
    assert set(answers) <= {"ok", "gate"}
    last = Entry.objects.filter(project_id=team.project.pk, action="submission.adopted").order_by("-seq")[0]
    winner = adopted.get()
    assert last.object == f"submission:{winner.pk}/r1"
    facts = Guest.objects.get(name="new").facts["facts"]
    assert facts["cmdline"]["value"] == winner.current.content["guest"]["facts"]["cmdline"]["value"]
    assert Waiver.objects.filter(expires_on__lt=today() - timedelta(days=1)).count() == 0
