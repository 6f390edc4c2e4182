"""What has to be there before an action can be tried, by the names that the table uses."""

from typing import Any

from patreview.analyses.services import request_run
from patreview.catalogue.models import Guest
from patreview.catalogue.retirement import retire
from patreview.projects.queries import Role, may
from patreview.projects.services import change_project, create_token
from patreview.reviews import discussion, services
from patreview.reviews.models import Thread, Waiver
from patreview.reviews.queries import today
from patreview.reviews.waivers import decide_waiver, propose_waiver
from tests import make
from tests.authorization.world import World

Words = dict[str, str]


def given(name: str, world: World, column: str) -> Words:
    """Do it, and say what the placeholders stand for."""
    made: Words = globals()[name.replace(" ", "_")](world, column)
    return made


def private(world: World, column: str) -> Words:
    return {}


def public(world: World, column: str) -> Words:
    change_project(world.project, by=world.by("boss"), visibility="public")
    return {}


def private_again(world: World, column: str) -> Words:
    public(world, column)
    change_project(world.project, by=world.by("boss"), visibility="private")
    return {}


def risky(world: World, column: str) -> Words:
    """A submission with a finding that can be waived, in place of the harmless one."""
    return world.target(world.risky, column).words()


def thread(world: World, column: str) -> Words:
    """Somebody asks for something."""
    revision = world.target(world.plain, column).revision
    said = discussion.say(revision, "Why?", by=world.by("critic"), asks=True)
    return {"thread": str(said.thread_id), "comment": str(said.pk)}


def resolved_thread(world: World, column: str) -> Words:
    words = thread(world, column)
    discussion.resolve(Thread.objects.get(pk=words["thread"]), "answered", by=world.by("critic"))
    return words


def own_comment(world: World, column: str) -> Words:
    return _said(world, column, draft=False)


def own_draft(world: World, column: str) -> Words:
    return _said(world, column, draft=True)


def _said(world: World, column: str, *, draft: bool) -> Words:
    """By the one who asks, if they may; else by somebody else."""
    revision = world.target(world.plain, column).revision
    said = discussion.say(revision, "Look.", by=_or_critic(world, column, Role.SUBMITTER), draft=draft)
    return {"thread": str(said.thread_id), "comment": str(said.pk)}


def _or_critic(world: World, column: str, needed: Role) -> Any:
    person = world.people.get(column)
    return person if person and may(person, world.project, needed) else world.by("critic")


def own_vote(world: World, column: str) -> Words:
    revision = world.target(world.plain, column).revision
    return {"vote": str(services.vote(revision, "comment", by=_or_critic(world, column, Role.REVIEWER)).pk)}


def objection(world: World, column: str) -> Words:
    revision = world.target(world.plain, column).revision
    return {"vote": str(services.vote(revision, "block", by=world.by("critic")).pk)}


def approved(world: World, column: str) -> Words:
    services.vote(world.target(world.plain, column).revision, "approve", by=world.by("critic"))
    return {}


def queued(world: World, column: str) -> Words:
    """A run that waits for a worker."""
    target = world.target(world.plain, column)
    return {"run": str(request_run(target.revision, by=world.by("boss"), reason="Again.").pk)}


def withdrawn(world: World, column: str) -> Words:
    services.withdraw(world.target(world.plain, column).submission, by=world.by("boss"))
    return {}


def waiver(world: World, column: str) -> Words:
    return _proposed(world, column, by=world.by("critic"))


def accepted_waiver(world: World, column: str) -> Words:
    words = waiver(world, column)
    decide_waiver(Waiver.objects.get(pk=words["waiver"]), accept=True, by=world.by("boss"))
    return words


def own_waiver(world: World, column: str) -> Words:
    return _proposed(world, column, by=_or_critic(world, column, Role.SUBMITTER))


def _proposed(world: World, column: str, *, by: Any) -> Words:
    target = world.target(world.risky, column)
    day = today().isoformat()
    made = propose_waiver(target.revision, target.finding, reason="Known.", expires_on=day, by=by)
    return target.words() | {"waiver": str(made.pk)}


def own_token(world: World, column: str) -> Words:
    person = _or_critic(world, column, Role.VIEWER)
    return {"key": create_token(world.project, name="mine", scopes=["read"], by=person).token.key}


def external_key(world: World, column: str) -> Words:
    """A submission of SO that a pipeline knows by a name of its own."""
    platform = world.plain["SO"].submission.platform
    assert platform is not None
    make.make_layout_submission(platform, world.by("SO"), make.HARMLESS, external_key="k")
    return {}


def retired_platform(world: World, column: str) -> Words:
    platform = make.make_platform(world.project, "xen-old")
    retire(platform, reason="Gone.", by=world.by("boss"))
    return {"platform": platform.name}


def retired_guest(world: World, column: str) -> Words:
    retire(Guest.objects.get(pk=world.common["guest"]), reason="Gone.", by=world.by("boss"))
    return {}
