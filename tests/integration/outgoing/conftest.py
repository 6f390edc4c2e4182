"""A project whose people have addresses, and the post as a dispatcher would run it."""

from dataclasses import dataclass

import pytest
from django.core import mail

from patreview.outgoing.services import make_letters, send_letters
from patreview.projects.models import Membership, Role
from patreview.projects.principal import Principal
from patreview.reviews.discussion import say
from patreview.reviews.services import vote
from tests import make
from tests.conftest import Team

MINE = {
    "owner": Role.SUBMITTER,
    "helper": Role.SUBMITTER,
    "speaker": Role.SUBMITTER,
    "voter": Role.REVIEWER,
    "reviewer": Role.REVIEWER,
    "maintainer": Role.MAINTAINER,
    "viewer": Role.VIEWER,
    "gone": Role.REVIEWER,
    "shut_out": Role.MAINTAINER,
}


def deliver() -> list[mail.EmailMessage]:
    """Make and send everything; the letters of this delivery."""
    before = len(mail.outbox)
    while make_letters():
        pass
    while send_letters():
        pass
    return mail.outbox[before:]


def body_of(message: mail.EmailMessage) -> str:
    return str(message.body)


@dataclass
class Town:
    """Everybody by what they are to the submission, which is of `owner` and has a report."""

    team: Team
    people: dict[str, Principal]

    def __getattr__(self, name: str) -> Principal:
        return self.people[name]

    def submit(self, **fields):
        """A layout by the owner, its run completed, on which `voter` voted and `speaker` and others spoke."""
        fields = {"layout": make.LINUX} | fields
        submitted = make.make_layout_submission(self.team.platform, self.owner, **fields)
        make.execute(submitted.run)
        submitted.submission.refresh_from_db()
        vote(submitted.revision, "comment", by=self.voter)
        if Membership.objects.filter(user=self.gone.user.pk).exists():
            vote(submitted.revision, "comment", by=self.gone)
            Membership.objects.filter(user=self.gone.user.pk).delete()
        say(submitted.revision, "What about PA1?", by=self.speaker, anchor="entry", key="PA1")
        deliver()
        return submitted

    def addressees(self, letters) -> dict[str, str]:
        """Who got a letter, and why."""
        names = {person.user.email: name for name, person in self.people.items()}
        return {names[one.to[0].split("<")[1].strip(">")]: one.extra_headers["X-Patreview-Reason"] for one in letters}


@pytest.fixture
def town(team: Team) -> Town:
    people = {name: make.make_member(team.project, role, name=name) for name, role in MINE.items()}
    for name, person in people.items():
        person.user.email = f"{name}@example.org"
        person.user.is_active = name != "shut_out"
        person.user.save()
    deliver()
    return Town(team, people)


def choose(person: Principal, choice: str) -> None:
    Membership.objects.filter(user=person.user.pk).update(mail=choice)
