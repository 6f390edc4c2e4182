"""What requests about projects and people may say."""

from rest_framework import serializers

from patreview.api.serializers import Digits, Strict
from patreview.projects.queries import APPROVALS_MAX, Membership, Project, Role, Token, one_line
from patreview.projects.services import TOKEN_DAYS, TOKEN_DAYS_MAX


class ProjectChange(Strict):
    """Settings of a project; each may be left out."""

    title = serializers.CharField(max_length=100, required=False, validators=[one_line])
    summary = serializers.CharField(max_length=500, required=False, allow_blank=True)
    visibility = serializers.ChoiceField(choices=Project.Visibility.values, required=False)
    required_approvals = Digits(min_value=1, max_value=APPROVALS_MAX, required=False)


class ProjectIn(ProjectChange):
    """A new project."""

    slug = serializers.SlugField(max_length=50)
    title = serializers.CharField(max_length=100, validators=[one_line])
    join = serializers.BooleanField(required=False, help_text="Whether the caller becomes its maintainer.")


class RoleIn(Strict):
    role = serializers.ChoiceField(choices=Role.values)


class MailIn(Strict):
    mail = serializers.ChoiceField(choices=Membership.Mail.values)


class InvitationIn(RoleIn):
    email = serializers.EmailField(max_length=254, required=False, default="", allow_blank=True)
    note = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class TokenIn(Strict):
    name = serializers.CharField(max_length=100, validators=[one_line])
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Token.Scope.values), min_length=1, max_length=len(Token.Scope)
    )
    days = Digits(min_value=1, max_value=TOKEN_DAYS_MAX, default=TOKEN_DAYS)


class MembersQuery(Strict):
    """The query of a list of members."""

    after = serializers.CharField(max_length=150, required=False, default="", allow_blank=True)
    limit = Digits(min_value=1, max_value=200, default=50)
