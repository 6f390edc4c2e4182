from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from patreview.demo.services import load, people
from patreview.demo.story import PASSWORD


class Command(BaseCommand):
    help = "Load the demo projects (once) and print who can log in. Not for production: the password is public."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.PATREVIEW_DEMO:
            raise CommandError("The demo's password is public. Set PATREVIEW_DEMO=1 if that is what you want here.")
        load()
        self.stdout.write(f"Demo users, password {PASSWORD}:")
        for name, roles in people():
            self.stdout.write(f"  {name:<8}{roles}")
