from argparse import ArgumentParser
from typing import Any

from django.db import transaction

from patreview import engine
from patreview.catalogue.models import Platform
from patreview.catalogue.services import add_platform, know_layout
from patreview.projects.commands import ProjectCommand, find_project

STOCK = next(layout["msr"] for layout in engine.known_layouts() if layout["key"] == "xen")


class Command(ProjectCommand):
    help = "Add a platform to a project: a release of Xen and the PAT layout in force, for guests to run on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("name", help="letters, digits, dots and dashes, as in xen-4.19")
        parser.add_argument("--release", required=True, help="of Xen, as in 4.19 or 4.17.2")
        parser.add_argument(
            "--layout", default=STOCK, help="eight types, an IA32_PAT value or a boot-log line; Xen's own if absent"
        )
        parser.add_argument("--cpu-vendor", choices=Platform.Vendor.values, default="any")

    @transaction.atomic
    def act(self, **options: Any) -> None:
        project = find_project(options["slug"])
        layout = know_layout(project, options["layout"], origin="command line")
        fields = {name: options[name] for name in ("release", "cpu_vendor")}
        platform = add_platform(project, options["name"], layout=layout, by="command line", **fields)
        self.stderr.write(f"{platform.name} is {platform.title} with {' '.join(layout.entries)}.")
