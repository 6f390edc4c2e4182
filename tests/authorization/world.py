"""A project in which everybody of the table has something to do, and a neighbour project that must stay out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import transaction
from django.test import Client
from django.utils import timezone

from patreview.analyses.queries import report_of
from patreview.projects.invitations import invite
from patreview.projects.members import remove_member, set_member
from patreview.projects.models import Role, Token
from patreview.projects.principal import Principal
from patreview.projects.services import create_token, issue_token
from patreview.reviews import discussion, services
from tests import make

if TYPE_CHECKING:
    from patreview.analyses.models import Run
    from patreview.projects.models import Project
    from patreview.submissions.models import Revision, Submission

PROJECT_TITLE, PROPOSAL_TITLE = "Walrus pastures", "Zebra crossing"
SECRETS = ("Walrus", "Zebra", "PA6 of the zebra")
#: Columns that own a submission of their own; everybody else acts on the submitter's.
OWNERS = ("RC", "MC")
TOKENS = ("TS", "TR", "TW", "TX", "TP")


@dataclass
class Target:
    """A submission, its last run and a finding that can be waived; `plain` has a gate that can be satisfied."""

    submission: Submission
    revision: Revision
    run: Run
    finding: str = ""

    def words(self) -> dict[str, str]:
        return {
            "submission": str(self.submission.pk),
            "revision": str(self.revision.number),
            "digest": self.revision.digest,
            "run": str(self.run.pk),
            "finding": self.finding,
        }


@dataclass
class World:
    project: Project
    elsewhere: Project
    people: dict[str, Principal]
    clients: dict[str, list[Client]] = field(default_factory=dict)
    plain: dict[str, Target] = field(default_factory=dict)
    risky: dict[str, Target] = field(default_factory=dict)
    common: dict[str, str] = field(default_factory=dict)
    other: str = ""
    untouched: str = ""

    def words(self, column: str) -> dict[str, str]:
        """What the placeholders of an address stand for, for one who asks."""
        own = {"self": self.people[column].name if column in self.people else "nobody"}
        return self.common | own | self.target(self.plain, column).words()

    def elsewhere_words(self) -> dict[str, str]:
        """The other project, and a submission in it."""
        return {"slug": self.elsewhere.slug, "submission": self.other}

    def target(self, targets: dict[str, Target], column: str) -> Target:
        return targets[column if column in OWNERS else "SO"]

    def by(self, column: str) -> Principal:
        """The person of a column, without their token."""
        return self.people[column]


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def build() -> World:
    project = make.make_project(title=PROJECT_TITLE)
    elsewhere = make.make_project(title="Elsewhere")
    world = World(project, elsewhere, _people(project, elsewhere))
    platform = make.make_platform(project)
    guest = make.make_guest(platform, name="dom0")
    made = make.make_layout_submission(make.make_platform(elsewhere, "xen-4.20", layout=make.LINUX), world.people["TP"])
    world.other = str(make.execute(made.run).revision.submission_id)
    world.plain = {column: _target(world, platform, column, make.HARMLESS) for column in ("SO", *OWNERS)}
    world.risky = {column: _target(world, platform, column, make.LINUX) for column in ("SO", *OWNERS)}
    _let_one_leave(world)
    world.common = _common(world) | {"guest": str(guest.pk), "platform": platform.name, "msr": platform.layout.msr}
    world.clients = _clients(world)
    world.untouched = digest_of_everything()
    return world


def _people(project: Project, elsewhere: Project) -> dict[str, Principal]:
    roles = {
        "EX": Role.REVIEWER,
        "V": Role.VIEWER,
        "SO": Role.SUBMITTER,
        "SX": Role.SUBMITTER,
        "R": Role.REVIEWER,
        "RC": Role.REVIEWER,
        "M": Role.MAINTAINER,
        "MC": Role.MAINTAINER,
        "TW": Role.REVIEWER,
        "TP": Role.MAINTAINER,
        "critic": Role.REVIEWER,
        "spare": Role.SUBMITTER,
        "boss": Role.MAINTAINER,
    }
    people = {column: make.make_member(project, role) for column, role in roles.items()}
    people |= {"OU": make.make_principal(), "A": make.make_admin()}
    people |= {"TS": people["SO"], "TR": people["SO"], "TX": people["M"]}
    set_member(elsewhere, people["TP"].user, Role.MAINTAINER, by="tests")  # type: ignore[arg-type]
    return people


def _target(world: World, platform: Any, column: str, layout: str) -> Target:
    """By the submitter; RC's is RC's own; MC added the last revision to what the submitter began."""
    owner = world.people["RC" if column == "RC" else "SO"]
    first = make.HARMLESS if layout == make.LINUX else make.LINUX
    made = make.make_layout_submission(platform, owner, layout if column != "MC" else first, title=PROPOSAL_TITLE)
    if column == "MC":
        mc = world.people["MC"]
        made = make.make_layout_submission(platform, mc, layout, title=PROPOSAL_TITLE, submission=made.submission)
    run = make.execute(made.run)
    report = report_of(run)
    assert report is not None
    waivable = [one["fingerprint"] for one in report["findings"] if one["verdict"] in ("incompatible", "degraded")]
    finding = [*waivable, *(one["fingerprint"] for one in report["findings"])][0]
    return Target(made.submission, made.revision, run, finding)


def _let_one_leave(world: World) -> None:
    """EX took part before they left."""
    leaver, target = world.people["EX"], world.plain["SO"]
    discussion.say(target.revision, "I was here.", by=leaver)
    services.vote(target.revision, "comment", by=leaver, digest=target.revision.digest)
    remove_member(world.project, leaver.name, by=world.people["boss"])


def _common(world: World) -> dict[str, str]:
    boss, spare = world.people["boss"], world.people["spare"]
    issued = create_token(world.project, name="nightly", scopes=["read"], by=spare)
    link = invite(world.project, Role.VIEWER, by=boss)
    return {
        "slug": world.project.slug,
        "spare": spare.name,
        "key": issued.token.key,
        "invitation": str(link.invitation.pk),
        "secret": link.secret,
        "outsider": world.people["OU"].name,
    }


def _clients(world: World) -> dict[str, list[Client]]:
    clients: dict[str, list[Client]] = {"AN": [Client()]}
    for column in ("OU", "EX", "V", "SO", "SX", "R", "RC", "M", "MC", "A"):
        clients[column] = [Client()]
        clients[column][0].force_login(world.people[column].user)  # type: ignore[arg-type]
    every = ["read", "submit", "review"]
    clients["TS"] = [_bearer(world, "TS", ["read", "submit"])]
    clients["TR"] = [_bearer(world, "TR", ["read"])]
    clients["TW"] = [_bearer(world, "TW", ["read", "review"])]
    clients["TX"] = [_bearer(world, "TX", every, revoked_at=timezone.now())]
    clients["TX"] += [_bearer(world, "TX", every, expires_at=timezone.now() - timedelta(seconds=1))]
    clients["TP"] = [_bearer(world, "TP", every, project=world.elsewhere)]
    return clients


def _bearer(world: World, column: str, scopes: list[str], *, project: Project | None = None, **ended: Any) -> Client:
    owner: Any = world.people[column].user
    issued = issue_token(project or world.project, owner, name=column, scopes=scopes, by="tests")
    Token.objects.filter(pk=issued.token.pk).update(**ended) if ended else None
    return Client(headers={"Authorization": f"Bearer {issued.text}"})


#: Written by merely asking: when a token was last used, sessions, and guesses at the door.
_UNCOUNTED = {"SignInGuesses"}
_LAST = {"last_used_at", "last_login"}


def digest_of_everything() -> str:
    """Of every row of the service, so that a refusal can be seen to have changed none."""
    content = sha256()
    for model in apps.get_models():
        if not model.__module__.startswith("patreview.") or model.__name__ in _UNCOUNTED:
            continue
        names = [
            one.attname for one in model._meta.concrete_fields if one.attname not in ("last_used_at", "last_login")
        ]
        content.update(f"{model.__name__}{list(model._default_manager.order_by('pk').values_list(*names))}".encode())
    return content.hexdigest()
