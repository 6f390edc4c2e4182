from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from patreview.accounts.models import User
from patreview.projects.errors import Refused
from patreview.projects.models import Project, Token
from patreview.projects.services import TOKEN_DAYS, issue_token


class Command(BaseCommand):
    help = "Issue a token for a project's API. Prints the token alone on standard output, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--user", required=True, help="whose rights the token has: a member")
        parser.add_argument("--scopes", default="submit,read", help=f"comma list of {', '.join(Token.Scope.values)}")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--days", type=int, default=TOKEN_DAYS)

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["slug"]).first()
        user = User.objects.filter(username=options["user"]).first()
        if project is None or user is None:
            missing = f"project {options['slug']!r}" if project is None else f"user {options['user']!r}"
            raise CommandError(f"There is no {missing}.")
        scopes = [word.strip() for word in options["scopes"].split(",") if word.strip()]
        try:
            issued = issue_token(
                project, user, name=options["name"], scopes=scopes, days=options["days"], by="command line"
            )
        except Refused as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(issued.text)
