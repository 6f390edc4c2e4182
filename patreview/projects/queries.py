"""What a principal may see of projects. Every other room asks here."""

from datetime import timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from patreview.projects.errors import Forbidden, NotFound
from patreview.projects.models import APPROVALS_MAX, Invitation, Membership, Project, Role, Token, one_line
from patreview.projects.principal import Principal

# Doors name these types in annotations; they reach rows only through queries and services.
__all__ = [
    "APPROVALS_MAX",
    "Invitation",
    "Membership",
    "Project",
    "Role",
    "Token",
    "all_projects",
    "is_admin",
    "may",
    "may_administer",
    "members_of",
    "memberships_of",
    "one_line",
    "project_of_journal",
    "project_scope",
    "projects_to_submit_to",
    "reachable_projects",
    "require",
    "require_admin",
    "require_administration",
    "require_in_person",
    "role_in",
    "token_names",
    "tokens_of",
    "visible_invitations",
    "visible_projects",
    "visible_tokens",
]
PERSON_ONLY = "A token cannot do this, whatever its scopes: log in as a person."
EXPIRED_SHOWN = timedelta(days=90)


def project_scope(principal: Principal, prefix: str = "") -> Q:
    """The condition under which a row that belongs to a project is visible.

    `prefix` leads from the row to its project, as in "submission__project__".
    """
    if principal.token is not None:
        member = Q(**{f"{prefix}memberships__user": principal.user})
        return Q(**{f"{prefix}pk": principal.token.project_id}) & member if principal.has_scope("read") else Q(pk=None)
    public = Q(**{f"{prefix}visibility": Project.Visibility.PUBLIC})
    if not principal.user.is_authenticated:
        return public
    mine = Membership.objects.filter(user=principal.user).values("project")
    return public | Q(**{f"{prefix}pk__in": mine})


def visible_projects(principal: Principal) -> QuerySet[Project]:
    """Public projects and those the principal is a member of, by title."""
    return Project.objects.filter(project_scope(principal)).order_by("title", "pk")


def projects_to_submit_to(principal: Principal) -> QuerySet[Project]:
    """Those in which the person is a submitter at least, by title."""
    roles = [role for role in Role if role.covers(Role.SUBMITTER)]
    mine = Membership.objects.filter(user=principal.user.pk, role__in=roles).values("project")
    return Project.objects.filter(pk__in=mine).order_by("title", "pk")


def role_in(principal: Principal, project: Project) -> Role | None:
    """The role of a principal in a project; None for strangers and for tokens of another project."""
    if not principal.user.is_authenticated or not principal.user.is_active:
        return None
    if principal.token is not None and principal.token.project_id != project.pk:
        return None
    role = Membership.objects.filter(project=project, user=principal.user).values_list("role", flat=True).first()
    return Role(role) if role else None


def may(principal: Principal, project: Project, needed: Role, scope: Token.Scope | str = "read") -> bool:
    """Whether the principal has the role in the project, and its token the scope."""
    role = role_in(principal, project)
    return role is not None and role.covers(needed) and principal.has_scope(scope)


def require(principal: Principal, project: Project, needed: Role, *, scope: Token.Scope | str) -> None:
    """Raise NotFound to strangers (a project's existence is private), Forbidden to members without the right."""
    role = role_in(principal, project)
    if role is None and project.visibility != Project.Visibility.PUBLIC:
        raise NotFound("not_found", "There is no such project, or you are not a member of it.")
    if role is None or not role.covers(needed):
        raise Forbidden("role", f"This needs the role {needed.label.lower()} in {project.slug}.")
    if not principal.has_scope(scope):
        raise Forbidden("scope", f"This token has no scope {str(scope)!r}.")


def members_of(project: Project) -> QuerySet[Membership]:
    """Members with their roles, by name."""
    return project.memberships.select_related("user").order_by("user__username")


def is_admin(principal: Principal) -> bool:
    """A site admin in person: rights over people and projects, none over what a private project holds."""
    user = principal.user
    return principal.token is None and user.is_authenticated and user.is_active and user.is_superuser


def require_admin(principal: Principal) -> None:
    """Raise Forbidden to all but a site admin in person."""
    if principal.token is not None:
        raise Forbidden("person_only", PERSON_ONLY)
    if not is_admin(principal):
        raise Forbidden("admin_only", "This is for an administrator of the site.")


def may_administer(principal: Principal, project: Project) -> bool:
    """Whether the principal sees and changes members and invitations: maintainers and site admins, never a token."""
    return principal.token is None and (is_admin(principal) or role_in(principal, project) is Role.MAINTAINER)


def reachable_projects(principal: Principal) -> QuerySet[Project]:
    """Projects of which the principal may know that they exist, which is more than to read them.

    A site admin knows of all. A token knows of its own project, whatever its scopes: it is told what it may not do.
    """
    if is_admin(principal):
        return Project.objects.all()
    if principal.token is not None:
        return Project.objects.filter(pk=principal.token.project_id, memberships__user=principal.user.pk)
    return visible_projects(principal)


def require_in_person(principal: Principal, project: Project, needed: Role = Role.VIEWER) -> Role:
    """The role of a member who acts in person. Raises NotFound to strangers, Forbidden to tokens and lesser roles."""
    role = role_in(principal, project)
    if role is None and project.visibility != Project.Visibility.PUBLIC and not is_admin(principal):
        raise NotFound("not_found", "There is no such project, or you are not a member of it.")
    if principal.token is not None:
        raise Forbidden("person_only", PERSON_ONLY)
    if role is None or not role.covers(needed):
        raise Forbidden("role", f"This needs the role {needed.label.lower()} in {project.slug}.")
    return role


def require_administration(principal: Principal, project: Project) -> None:
    """Let maintainers and site admins pass, in person; raise what require_in_person raises to others."""
    if not is_admin(principal):
        require_in_person(principal, project, Role.MAINTAINER)


def all_projects(principal: Principal) -> QuerySet[Project]:
    """For a site admin every project with its number of `members`, by slug; for others none."""
    found = Project.objects.all() if is_admin(principal) else Project.objects.none()
    return found.annotate(members=Count("memberships")).order_by("slug")


def visible_invitations(principal: Principal, project: Project) -> QuerySet[Invitation]:
    """Invitations that may still be accepted, newest first, for those who administer the project."""
    found = Invitation.objects.filter(project=project, accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())
    found = found if may_administer(principal, project) else found.none()
    return found.select_related("invited_by").order_by("-pk")


def visible_tokens(principal: Principal, project: Project) -> QuerySet[Token]:
    """A member's own tokens in a project, a maintainer's view of all; not the revoked, nor the long expired."""
    found = _shown_tokens().filter(project=project)
    role = role_in(principal, project) if principal.token is None else None
    if role is None:
        return found.none()
    return found if role is Role.MAINTAINER else found.filter(owner=principal.user.pk)


def tokens_of(principal: Principal) -> QuerySet[Token]:
    """A person's own tokens, by project."""
    own = _shown_tokens().filter(owner=principal.user.pk)
    return (own if principal.token is None else own.none()).order_by("project__title", "-pk")


def _shown_tokens() -> QuerySet[Token]:
    recent = timezone.now() - EXPIRED_SHOWN
    found = Token.objects.filter(revoked_at=None, expires_at__gt=recent)
    return found.select_related("owner", "project").order_by("owner__username", "-pk")


def memberships_of(principal: Principal) -> QuerySet[Membership]:
    """Where a person is a member, by title of the project."""
    return Membership.objects.filter(user=principal.user.pk).select_related("project").order_by("project__title", "pk")


def project_of_journal(principal: Principal, slug: str) -> Project:
    """The project by its slug, for one who may read its journal: reviewers, maintainers, and admins of the site.

    Raises NotFound, Forbidden.
    """
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise NotFound("not_found", "There is no such project, or you are not a member of it.")
    if not is_admin(principal):
        require(principal, project, Role.REVIEWER, scope="read")
    return project


def token_names(project: Project, keys: set[str]) -> dict[str, str]:
    """The names of a project's tokens by their keys."""
    return dict(project.tokens.filter(key__in=keys).values_list("key", "name"))
