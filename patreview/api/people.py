"""Members, invitations and tokens of a project. All but reading members is for persons: a token gets 403."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from patreview.api import documents
from patreview.api.people_serializers import InvitationIn, MailIn, MembersQuery, RoleIn, TokenIn
from patreview.api.views import View, with_query
from patreview.projects import invitations, members, services
from patreview.projects.errors import Forbidden
from patreview.projects.queries import (
    Project,
    Role,
    may_administer,
    members_of,
    reachable_projects,
    require_administration,
    require_in_person,
    visible_invitations,
    visible_projects,
    visible_tokens,
)


class PeopleView(View):
    """Finds a project of which the caller may know, which is more than to read it."""

    def reached(self, slug: str) -> Project:
        return get_object_or_404(reachable_projects(self.principal), slug=slug)


class Members(PeopleView):
    query_serializer = MembersQuery

    def get(self, request: Request, slug: str) -> Response:
        """By name; `next` leads to the following page, null on the last."""
        project, query = self.reached(slug), self.query()
        if not may_administer(self.principal, project):
            get_object_or_404(visible_projects(self.principal), pk=project.pk)
        rows = members_of(project).filter(user__username__gt=query["after"])
        page = list(rows[: query["limit"] + 1])
        more, page = len(page) > query["limit"], page[: query["limit"]]
        following = request.build_absolute_uri(with_query(request, after=page[-1].user.username)) if more else None
        return Response({"results": [documents.member_document(row) for row in page], "next": following})


class Member(PeopleView):
    def put(self, request: Request, slug: str, name: str) -> Response:
        """Another role. An administrator of the site also adds a person who has an account."""
        project = self.reached(slug)
        require_administration(self.principal, project)
        role = Role(self.sent(RoleIn)["role"])
        return Response(documents.member_document(members.put_member(project, name, role, by=self.principal)))

    def patch(self, request: Request, slug: str, name: str) -> HttpResponse:
        """One's own choice of mail."""
        project = self.reached(slug)
        require_in_person(self.principal, project)
        if name != self.principal.name:
            raise Forbidden("own_only", "Each member chooses this alone.")
        members.choose_mail(project, self.sent(MailIn)["mail"], by=self.principal)
        return Response(status=204)

    def delete(self, request: Request, slug: str, name: str) -> Response:
        """End a membership, one's own too."""
        members.remove_member(self.reached(slug), name, by=self.principal)
        return Response(status=204)


class Invitations(PeopleView):
    def get(self, request: Request, slug: str) -> Response:
        """Those that may still be accepted, newest first."""
        project = self.reached(slug)
        require_administration(self.principal, project)
        rows = visible_invitations(self.principal, project)
        return Response({"results": [documents.invitation_document(row) for row in rows]})

    def post(self, request: Request, slug: str) -> Response:
        """201 with the `link`, which is shown this once."""
        project = self.reached(slug)
        require_administration(self.principal, project)
        sent = self.sent(InvitationIn)
        issued = invitations.invite(project, Role(sent.pop("role")), by=self.principal, **sent)
        link = {"link": request.build_absolute_uri(issued.path), "mailed": issued.mailed}
        return Response(documents.invitation_document(issued.invitation) | link, status=201)


class Invitation(PeopleView):
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Make the link worthless."""
        invitations.revoke_invitation(self.reached(slug), pk, by=self.principal)
        return Response(status=204)


class Tokens(PeopleView):
    def get(self, request: Request, slug: str) -> Response:
        """One's own; a maintainer's answer has those of all members."""
        project = self.reached(slug)
        require_in_person(self.principal, project)
        rows = visible_tokens(self.principal, project)
        return Response({"results": [documents.token_document(row) for row in rows]})

    def post(self, request: Request, slug: str) -> Response:
        """201 with the `token`, which is shown this once."""
        project = self.reached(slug)
        require_in_person(self.principal, project)
        issued = services.create_token(project, by=self.principal, **self.sent(TokenIn))
        return Response(documents.token_document(issued.token) | {"token": issued.text}, status=201)


class Token(PeopleView):
    def delete(self, request: Request, slug: str, key: str) -> Response:
        """End one's own token, or as a maintainer any of the project."""
        services.revoke_token(self.reached(slug), key, by=self.principal)
        return Response(status=204)
