from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from patreview.accounts.services import create_person
from patreview.projects.models import Project, Role
from patreview.projects.services import set_member


class Command(BaseCommand):
    help = "Make a person a member of a project, creating the person when there is none of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("user")
        parser.add_argument("--role", choices=Role.values, required=True)
        parser.add_argument("--password", help="for a person who is created; without one they cannot log in yet")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["slug"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['slug']!r}.")
        try:
            user = create_person(options["user"], password=options["password"])
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        set_member(project, user, Role(options["role"]), by="command line")
        self.stderr.write(f"{user.username} is {options['role']} in {project.slug}.")
