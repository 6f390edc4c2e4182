"""What a principal may see of projects. Every other room asks here."""

from django.db.models import Q, QuerySet

from patreview.projects.errors import Forbidden, NotFound
from patreview.projects.models import Membership, Project, Role, Token
from patreview.projects.principal import Principal

# Doors name these types in annotations; they reach rows only through queries and services.
__all__ = [
    "Project",
    "Role",
    "may",
    "members_of",
    "project_of_journal",
    "project_scope",
    "projects_to_submit_to",
    "require",
    "role_in",
    "token_names",
    "visible_projects",
]


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


def project_of_journal(principal: Principal, slug: str) -> Project:
    """The project by its slug, for one who may read its journal: reviewers, maintainers, and admins of the site.

    Raises NotFound, Forbidden.
    """
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise NotFound("not_found", "There is no such project, or you are not a member of it.")
    if not _is_admin(principal):
        require(principal, project, Role.REVIEWER, scope="read")
    return project


def _is_admin(principal: Principal) -> bool:
    """A site admin in person: a token has its owner's role in its project, and no more."""
    user = principal.user
    return principal.token is None and user.is_active and user.is_superuser


def token_names(project: Project, keys: set[str]) -> dict[str, str]:
    """The names of a project's tokens by their keys."""
    return dict(project.tokens.filter(key__in=keys).values_list("key", "name"))
