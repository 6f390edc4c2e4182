from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from patreview.accounts.models import User
from patreview.projects.commands import ProjectCommand, find_project
from patreview.projects.models import Token
from patreview.projects.services import TOKEN_DAYS, issue_token


class Command(ProjectCommand):
    help = "Issue a token for a project's API. Prints the token alone on standard output, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--user", required=True, help="whose rights the token has: a member")
        parser.add_argument("--scopes", default="submit,read", help=f"comma list of {', '.join(Token.Scope.values)}")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--days", type=int, default=TOKEN_DAYS, help="until it ends (90)")

    def act(self, **options: Any) -> None:
        project = find_project(options["slug"])
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}.")
        scopes = [word.strip() for word in options["scopes"].split(",") if word.strip()]
        issued = issue_token(
            project, user, name=options["name"], scopes=scopes, days=options["days"], by="command line"
        )
        self.stdout.write(issued.text)
