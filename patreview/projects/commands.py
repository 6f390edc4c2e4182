"""What the commands of a project share: a project by its slug, and refusals in one line."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from patreview import engine
from patreview.projects.errors import Refused
from patreview.projects.models import Project


class ProjectCommand(BaseCommand):
    """Turns what a service refuses into a CommandError: one line on standard error, exit code 1."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.act(**options)
        except (Refused, engine.InvalidInput) as exc:
            raise CommandError(str(exc)) from exc
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        except DatabaseError as exc:
            hint = "There is no patreview here yet: run `make run` first, or set PATREVIEW_DATA or DATABASE_URL."
            raise CommandError(f"{hint} ({str(exc).splitlines()[0]})") from exc

    def act(self, **options: Any) -> None:
        raise NotImplementedError


def find_project(slug: str) -> Project:
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise CommandError(f"There is no project {slug!r}.")
    return project
