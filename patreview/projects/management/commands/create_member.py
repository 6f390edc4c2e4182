import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from patreview.accounts.models import User
from patreview.accounts.services import create_person
from patreview.projects.commands import ProjectCommand, find_project
from patreview.projects.members import set_member
from patreview.projects.models import Role


class Command(ProjectCommand):
    help = "Make a person a member of a project, creating the person when there is none of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("user")
        parser.add_argument("--role", choices=Role.values, required=True)
        parser.add_argument("--password", help="of a person who is created; asked for when absent, on a terminal")

    def act(self, **options: Any) -> None:
        project = find_project(options["slug"])
        name, password = options["user"], options["password"]
        exists = User.objects.filter(username=name).exists()
        if not exists and password is None and sys.stdin.isatty():
            password = getpass(f"Password for {name}: ")
        set_member(project, create_person(name, password=password), Role(options["role"]), by="command line")
        known = "; that name was known already, and its password is as it was" if exists and password else ""
        self.stderr.write(f"{name} is {options['role']} in {project.slug}{known}.")
