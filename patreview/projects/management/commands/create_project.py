from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from patreview.projects.errors import Refused
from patreview.projects.models import Project
from patreview.projects.services import create_project


class Command(BaseCommand):
    help = "Create a project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name for addresses: letters, digits, - and _")
        parser.add_argument("--title", required=True)
        parser.add_argument("--summary", default="")
        parser.add_argument("--visibility", choices=Project.Visibility.values, default="private")

    def handle(self, *args: Any, **options: Any) -> None:
        fields = {name: options[name] for name in ("title", "summary", "visibility")}
        try:
            create_project(options["slug"], by="command line", **fields)
        except Refused as exc:
            raise CommandError(str(exc)) from exc
        except ValidationError as exc:
            raise CommandError("; ".join(f"{k}: {' '.join(v)}" for k, v in exc.message_dict.items())) from exc
        self.stderr.write(f"Project {options['slug']} created.")
