"""Load the demo projects. Doing it again adds what is missing and changes nothing else."""

from django.db import transaction

from patreview import engine
from patreview.accounts.models import User
from patreview.accounts.services import create_person
from patreview.analyses.services import submit
from patreview.catalogue.models import Platform
from patreview.catalogue.services import add_platform, know_layout, put_guest_in_service
from patreview.demo.story import PASSWORD, STORY, ProjectStory, ProposalStory
from patreview.projects.members import set_member
from patreview.projects.models import Project, Role
from patreview.projects.principal import Principal
from patreview.projects.services import create_project
from patreview.submissions.models import Submission
from patreview.submissions.services import Proposal

ACTOR = "demo"


def load() -> None:
    """Every project of the story that is not there yet."""
    for story in STORY:
        if not Project.objects.filter(slug=story.slug).exists():
            load_project(story)


@transaction.atomic
def load_project(story: ProjectStory) -> Project:
    """One project with members, layouts, platform, guests and proposals, or nothing."""
    project = create_project(
        story.slug, title=story.title, summary=story.summary, visibility=Project.Visibility.PUBLIC, by=ACTOR
    )
    for name, role in story.members.items():
        person = create_person(name, password=PASSWORD, email=f"{name}@example.org")
        set_member(project, person, Role(role), by=ACTOR)
    layouts = {msr: know_layout(project, msr, name=name, origin=ACTOR) for name, msr in story.layouts.items()}
    platform = add_platform(
        project, story.platform.name, release=story.platform.release, layout=layouts[story.platform.layout], by=ACTOR
    )
    for stated in story.guests:
        put_guest_in_service(project, engine.read_guest(stated, [], by=ACTOR), [platform], by=ACTOR)
    for proposal in story.proposals:
        _propose(project, platform, proposal)
    return project


def _propose(project: Project, platform: Platform, proposal: ProposalStory) -> None:
    fields = dict(proposal.fields)
    if proposal.kind == Submission.Kind.LAYOUT:
        fields["platform"] = platform
    author = Principal(User.objects.get(username=proposal.by))
    sent = Proposal(kind=proposal.kind, title=proposal.title, note=proposal.note, external_key=proposal.key, **fields)
    submit(project, sent, by=author)


def people() -> list[tuple[str, str]]:
    """Who can log in to the demo, each with their roles."""
    roles: dict[str, list[str]] = {}
    for story in STORY:
        for name, role in story.members.items():
            roles.setdefault(name, []).append(f"{role} in {story.title}")
    return [(name, ", ".join(held)) for name, held in roles.items()]
