from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from patreview import engine
from patreview.catalogue.models import Platform
from patreview.catalogue.services import add_platform, know_layout
from patreview.projects.models import Project

STOCK = "0x0000050100070406"


class Command(BaseCommand):
    help = "Add a platform to a project: a release of Xen and the PAT layout in force, for guests to run on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("name", help="letters, digits, dots and dashes, as in xen-4.17")
        parser.add_argument("--release", required=True, help="of Xen, as in 4.17 or 4.17.2")
        parser.add_argument(
            "--layout",
            default=STOCK,
            help="eight memory types, an IA32_PAT value or a boot-log line; Xen's own if absent",
        )
        parser.add_argument("--cpu-vendor", choices=Platform.Vendor.values, default="any")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["slug"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['slug']!r}.")
        try:
            with transaction.atomic():
                layout = know_layout(project, options["layout"], origin="command line")
                fields = {name: options[name] for name in ("release", "cpu_vendor")}
                platform = add_platform(project, options["name"], layout=layout, by="command line", **fields)
        except engine.InvalidInput as exc:
            raise CommandError(str(exc)) from exc
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        self.stderr.write(f"{platform.name} is {platform.title} with {' '.join(layout.entries)}.")
