"""Letters come in order, at least once, whatever the mail server says; and nobody is flooded."""

import email
import importlib
import socket
from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.core import mail
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string

from patreview.journal.models import Entry, Head
from patreview.journal.services import first_broken, record
from patreview.outgoing import services
from patreview.outgoing.models import Letter, Mailed
from patreview.outgoing.post import FIRST_PAUSE_S, LONGEST_PAUSE_S, Post, deliver_forever
from patreview.outgoing.server import Outage
from patreview.outgoing.services import make_letters, send_letters
from patreview.projects.models import Membership
from patreview.reviews.discussion import hide, reply, say
from tests import make
from tests.integration.outgoing.conftest import Town, deliver
from tests.integration.outgoing.sink import running_sink
from tests.integration.outgoing.test_audience import replied, thread_of


@pytest.fixture
def sink(settings):
    with running_sink() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        yield server


def due_now():
    Letter.objects.update(due_at=Now())


def addressees(sink):
    return [email.message_from_bytes(one)["To"] for one in sink.taken]


def send_all():
    while make_letters():
        pass
    while send_letters():
        pass


def test_a_server_gets_it_all_in_order(town: Town, sink):
    submitted = town.submit()
    sink.taken.clear()
    for number in range(4):
        reply(thread_of(submitted), f"Remark {number}", by=town.helper)
    send_all()
    mine = [one.decode() for one in sink.taken if b"owner@example.org" in one]
    assert [f"> Remark {number}" in one for number, one in enumerate(mine)] == [True] * 4
    assert not Letter.objects.exists()


def test_a_refused_address_stops_nobody_else(town: Town, sink):
    submitted = town.submit()
    sink.taken.clear()
    sink.answers["rcpt TO:<voter@"] = "550 no such person"
    replied(town, submitted)
    send_all()
    assert "voter <voter@example.org>" not in addressees(sink)
    assert "owner <owner@example.org>" in addressees(sink)
    assert not Letter.objects.exists(), "what is refused for good is not tried again"


@pytest.mark.parametrize("answer", ["450 greylisted", "452 mailbox full"])
def test_who_cannot_be_reached_now_is_tried_again_later(town: Town, sink, answer):
    submitted = town.submit()
    sink.taken.clear()
    sink.answers["rcpt TO:<voter@"] = answer
    replied(town, submitted)
    reply(thread_of(submitted), "And more.", by=town.helper)
    send_all()
    assert addressees(sink).count("owner <owner@example.org>") == 2
    assert [(one.user_id, one.tries) for one in Letter.objects.order_by("pk")] == [
        (town.voter.user.pk, 1),
        (town.voter.user.pk, 0),
    ], "the second waits for the first"
    sink.taken.clear()
    sink.answers.clear()
    send_all()
    assert sink.taken == [], "not before it is due"
    due_now()
    send_all()
    assert [b"It is WC." in one for one in sink.taken] == [True, False]


def test_letters_that_are_refused_as_such_are_dropped(town: Town, sink):
    submitted = town.submit()
    sink.taken.clear()
    sink.answers["letter"] = "554 looks like spam"
    replied(town, submitted)
    send_all()
    assert sink.taken == []
    assert not Letter.objects.exists()


@pytest.mark.parametrize(
    "answers",
    [
        {"connect": "554 no service"},
        {"mail FROM": "550 who are you"},
        {"mail FROM": "530 log in first"},
        {"rcpt TO": "421 closing"},
        {"letter": "421 closing"},
        {"data": "250 nonsense"},
    ],
    ids=lambda one: " ".join(*one.items()),
)
def test_while_the_server_serves_nobody_letters_wait(town: Town, sink, answers):
    submitted = town.submit()
    sink.taken.clear()
    sink.answers.update(answers)
    replied(town, submitted)
    while make_letters():
        pass
    waiting = Letter.objects.count()
    with pytest.raises(Outage):
        send_letters()
    assert Letter.objects.count() == waiting > 0
    assert set(Letter.objects.values_list("tries", flat=True)) == {0}
    sink.answers.clear()
    send_all()
    assert len(sink.taken) == waiting


def test_without_a_server_the_post_pauses_longer_each_time(town: Town, settings):
    submitted = town.submit()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = taken.getsockname()
        clock = [0.0]
        post = Post(now=lambda: clock[0])
        replied(town, submitted)
        pauses = []
        for _ in range(8):
            post.round()
            pauses.append(post.closed_until - clock[0])
            clock[0] = post.closed_until
        assert pauses[:3] == [FIRST_PAUSE_S, FIRST_PAUSE_S * 2, FIRST_PAUSE_S * 4]
        assert pauses[-1] == LONGEST_PAUSE_S
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert post.round() is True
    assert post.pause_s == 0
    assert not post.round()


def test_letters_are_made_while_the_post_pauses(town: Town):
    submitted = town.submit()
    post = Post(now=lambda: 0.0)
    post.closed_until = 1.0
    replied(town, submitted)
    post.round()
    assert Letter.objects.exists()
    assert mail.outbox[-1].to != ["owner <owner@example.org>"]


def test_a_letter_that_was_sent_and_not_noted_is_sent_again_as_the_same(town: Town, monkeypatch):
    submitted = town.submit()
    replied(town, submitted)
    while make_letters():
        pass
    hand_over = services.hand_over

    def die_after_the_server_took_it(message, connection):
        hand_over(message, connection)
        raise KeyboardInterrupt

    monkeypatch.setattr(services, "hand_over", die_after_the_server_took_it)
    with pytest.raises(KeyboardInterrupt):
        send_letters()
    monkeypatch.undo()
    first = mail.outbox[-1]
    due_now()
    sent = deliver()
    again = [one for one in sent if one.to == first.to]
    assert [one.extra_headers["Message-ID"] for one in again] == [first.extra_headers["Message-ID"]]
    assert again[0].body == first.body


def test_what_another_dispatcher_sends_is_left_to_it(town: Town):
    submitted = town.submit()
    replied(town, submitted)
    while make_letters():
        pass
    Letter.objects.update(due_at=Now() + services.LEASE)
    assert send_letters() is False


def test_a_journal_that_another_dispatcher_read_is_not_read_twice(town: Town, monkeypatch):
    submitted = town.submit()
    replied(town, submitted)
    letters_of = services._letters_of

    def overtaken(entry):
        made = letters_of(entry)
        Mailed.objects.filter(project_id=entry.project_id).update(seq=entry.seq)
        return made

    monkeypatch.setattr(services, "_letters_of", overtaken)
    make_letters()
    assert not Letter.objects.exists()


def test_who_left_meanwhile_gets_nothing(town: Town):
    submitted = town.submit()
    replied(town, submitted)
    while make_letters():
        pass
    Membership.objects.filter(user=town.voter.user.pk).delete()
    assert "voter" not in town.addressees(deliver())
    assert not Letter.objects.exists()


def test_what_was_hidden_meanwhile_is_not_sent(town: Town):
    submitted = town.submit()
    rude = say(submitted.revision, "Rude.", by=town.helper)
    while make_letters():
        pass
    hide(rude, by=town.maintainer)
    assert deliver() == []


def test_old_news_is_no_mail(town: Town, monkeypatch):
    submitted = town.submit()
    replied(town, submitted)
    while make_letters():
        pass
    reply(thread_of(submitted), "And more.", by=town.helper)
    now = timezone.now()
    monkeypatch.setattr(services.timezone, "now", lambda: now + services.TOO_OLD + timedelta(seconds=1))
    assert deliver() == []
    assert not Letter.objects.exists()
    assert Mailed.objects.get(project_id=town.team.project.pk).seq == Head.objects.get().seq


def test_a_long_journal_from_before_there_was_mail_is_no_news(town: Town):
    town.submit()
    Mailed.objects.all().delete()
    migration = importlib.import_module("patreview.outgoing.migrations.0001_outgoing")
    migration.begin_at_the_head(apps, connection.schema_editor())
    assert deliver() == []
    assert Mailed.objects.get(project_id=town.team.project.pk).seq == Head.objects.get().seq


def test_without_anywhere_to_send_to_nothing_is_kept(town: Town, settings):
    submitted = town.submit()
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    replied(town, submitted)
    while make_letters():
        pass
    assert not Letter.objects.exists()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert deliver() == []


def test_an_entry_that_cannot_be_put_in_words_stops_nothing(town: Town):
    submitted = town.submit()
    record(town.team.project.pk, "vote.cast", f"submission:{'9' * 30}/r{'9' * 30}", actor="x")
    record(town.team.project.pk, "vote.cast", f"submission:{submitted.submission.pk}/r1", actor="x", vote=[])
    reply(thread_of(submitted), "And more.", by=town.helper)
    sent = deliver()
    assert sent
    assert all("And more." in str(one.body) for one in sent)


def test_a_letter_that_cannot_be_written_stops_nothing(town: Town, monkeypatch):
    submitted = town.submit()
    replied(town, submitted)
    letter = services.letter

    def broken_for_the_owner(act, to):
        if to.user == town.owner.user:
            raise ValueError
        return letter(act, to)

    monkeypatch.setattr(services, "letter", broken_for_the_owner)
    assert "voter" in town.addressees(deliver())
    assert not Letter.objects.exists()


def test_projects_do_not_mix(town: Town):
    other = make.make_project()
    platform = make.make_platform(other)
    stranger = make.make_member(other)
    stranger.user.email = "stranger@example.org"
    stranger.user.save()
    deliver()
    make.execute(make.make_layout_submission(platform, stranger).run)
    assert [one.to for one in deliver()] == [[f"{stranger.name} <stranger@example.org>"]]


def test_the_journal_is_only_read(town: Town):
    submitted = town.submit()
    before = Entry.objects.count()
    replied(town, submitted)
    deliver()
    assert Entry.objects.count() == before + 1
    assert first_broken(town.team.project.pk) is None


def test_statements_do_not_grow_with_people(town: Town, django_assert_max_num_queries):
    submitted = town.submit()

    def statements():
        replied(town, submitted)
        with django_assert_max_num_queries(100) as captured:
            while make_letters():
                pass
        return len(captured)

    few = statements()
    for _ in range(10):
        person = make.make_member(town.team.project)
        person.user.email = f"{person.name}@example.org"
        person.user.save()
    deliver()
    assert statements() == few


def test_the_dispatcher_delivers_beside_its_work():
    assert [import_string(name) for name in configured.DISPATCH_BESIDE] == [deliver_forever]


def test_delivering_ends_when_told(town: Town):
    rounds = iter([False, False, False])
    replied(town, town.submit())
    deliver_forever(lambda: next(rounds, True))
    assert Mailed.objects.get(project_id=town.team.project.pk).seq == Head.objects.get().seq
