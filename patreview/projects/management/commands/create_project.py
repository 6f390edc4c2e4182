from argparse import ArgumentParser
from typing import Any

from patreview.projects.commands import ProjectCommand
from patreview.projects.models import Project
from patreview.projects.services import create_project


class Command(ProjectCommand):
    help = "Create a project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name for addresses: letters, digits, - and _")
        parser.add_argument("--title", required=True)
        parser.add_argument("--summary", default="")
        parser.add_argument("--visibility", choices=Project.Visibility.values, default="private")
        parser.add_argument("--approvals", type=int, default=1, help="how many are needed to adopt (1)")

    def act(self, **options: Any) -> None:
        fields = {name: options[name] for name in ("title", "summary", "visibility")}
        create_project(options["slug"], by="command line", required_approvals=options["approvals"], **fields)
        self.stderr.write(f"Project {options['slug']} created.")
