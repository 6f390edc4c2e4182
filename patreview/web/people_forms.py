"""What a person fills in about projects and people. Forms judge values, services judge rights."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from patreview.projects.queries import APPROVALS_MAX, Membership, Project, Role, Token, one_line
from patreview.projects.services import TOKEN_DAYS, TOKEN_DAYS_MAX

ROLES = (
    (Role.VIEWER, "reads everything in the project"),
    (Role.SUBMITTER, "also submits, revises and comments"),
    (Role.REVIEWER, "also votes"),
    (Role.MAINTAINER, "also adopts, changes settings, invites and removes people"),
)
IN_FULL = {
    Role.VIEWER: "read everything",
    Role.SUBMITTER: "read, submit, revise and comment",
    Role.REVIEWER: "read, submit, comment and vote",
    Role.MAINTAINER: "read, submit, vote and adopt, and look after people and settings",
}
SCOPES = (
    (Token.Scope.READ, "reads what you may read"),
    (Token.Scope.SUBMIT, "submits and revises; for a pipeline"),
    (Token.Scope.REVIEW, "votes and comments as you"),
)
MAILS = (
    (Membership.Mail.MINE, "what you submitted, or have a part in"),
    (Membership.Mail.ALL, "every submission of the project"),
    (Membership.Mail.NONE, "no mail of this project"),
)
VISIBILITIES = (
    (
        Project.Visibility.PRIVATE,
        "Only members know that the project exists. To everybody else its pages and its REST addresses are not there.",
    ),
    (
        Project.Visibility.PUBLIC,
        "Everybody reads everything without logging in: platforms, guests, submissions with their files' facts, "
        "reports, discussions, and the names of members.",
    ),
)
_LONG = {"rows": 2}


class PeopleForm(forms.Form):
    """A form whose labels are ours and whose fields are required by the server alone."""

    use_required_attribute = False

    def take(self, exc: ValidationError) -> None:
        """Put what a service refused at the fields that it is about."""
        known: dict[Any, Any] = dict(exc.message_dict) if hasattr(exc, "error_dict") else {None: exc.messages}
        for name, texts in known.items():
            self.add_error(name if name in self.fields else None, texts)


class About(PeopleForm):
    """Title, summary, and how many approvals an adoption needs."""

    title = forms.CharField(max_length=100, validators=[one_line])
    summary = forms.CharField(
        required=False, max_length=500, widget=forms.Textarea(_LONG), help_text="What the project is about. Optional."
    )
    required_approvals = forms.IntegerField(
        label="Approvals to adopt",
        min_value=1,
        max_value=APPROVALS_MAX,
        help_text="By people who had no hand in the revision. A change counts for open submissions at once.",
    )


class NewProject(About):
    """What a project is founded with."""

    slug = forms.SlugField(
        label="Short name", max_length=50, help_text="For addresses: letters, digits, - and _. It does not change."
    )
    visibility = forms.ChoiceField(choices=VISIBILITIES, initial=Project.Visibility.PRIVATE, widget=forms.RadioSelect)
    join = forms.BooleanField(required=False, label="I maintain it myself")
    field_order = ("slug", "title", "summary", "required_approvals", "visibility", "join")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["required_approvals"].initial = 1


class Invite(PeopleForm):
    """Whom to invite, and as what."""

    role = forms.ChoiceField(choices=[(role, f"{role.label}: {meaning}") for role, meaning in ROLES])
    email = forms.EmailField(
        required=False, label="E-mail", help_text="The link is mailed there. Empty: you pass the link on yourself."
    )
    note = forms.CharField(
        required=False, max_length=500, widget=forms.Textarea(_LONG), help_text="A line for whom you invite. Optional."
    )


class NewToken(PeopleForm):
    """What a token is for, and what it may do."""

    name = forms.CharField(max_length=100, validators=[one_line], help_text="What it is for, such as the pipeline.")
    scopes = forms.MultipleChoiceField(choices=SCOPES, widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(
        min_value=1, max_value=TOKEN_DAYS_MAX, initial=TOKEN_DAYS, help_text=f"Until it ends, at most {TOKEN_DAYS_MAX}."
    )


class Join(PeopleForm):
    """A new account for one who was invited."""

    name = forms.CharField(
        max_length=150,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
        help_text="Letters, digits and @ . + - _; others see it.",
    )
    password = forms.CharField(
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text="At least 12 characters; a few words do.",
    )


class Address(PeopleForm):
    """Where mail goes."""

    email = forms.EmailField(required=False, label="E-mail", help_text="Where mail goes. Empty: none is sent.")
