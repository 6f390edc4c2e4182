from argparse import ArgumentParser
from typing import Any

from django.db import transaction

from patreview import engine
from patreview.catalogue.models import Platform
from patreview.catalogue.registration import read_mtrr
from patreview.catalogue.services import add_platform, know_layout
from patreview.projects.commands import ProjectCommand, find_project


class Command(ProjectCommand):
    help = "Add a platform to a project: a release of Xen and the PAT layout in force, for guests to run on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("name", help="letters, digits, dots and dashes, as in xen-4.19")
        parser.add_argument("--release", required=True, help="of Xen, as in 4.19 or 4.17.2")
        parser.add_argument(
            "--layout", help="eight types, an IA32_PAT value or a boot-log line; that release's own if absent"
        )
        parser.add_argument("--cpu-vendor", choices=Platform.Vendor.values, default="any")
        parser.add_argument("--cmdline", help="Xen's command line, for mmio-relax")
        parser.add_argument("--errata-cpu", action="store_true", help="its CPUs lose index bit 2 of the PAT")
        parser.add_argument("--patch", action="append", help="a commit that this Xen carries; may be given again")
        parser.add_argument("--mtrr", help="MTRRs as JSON, as docs/schemas/scenario-1.json has them")

    @transaction.atomic
    def act(self, **options: Any) -> None:
        project = find_project(options["slug"])
        text = options["layout"] or engine.stock_layout(options["release"])
        layout = know_layout(project, text, origin="command line")
        fields = {name: options[name] for name in ("release", "cpu_vendor")}
        fields["details"] = self._details(options)
        platform = add_platform(project, options["name"], layout=layout, by="command line", **fields)
        self.stderr.write(f"{platform.name} is {platform.title} with {' '.join(layout.entries)}.")

    def _details(self, options: dict[str, Any]) -> dict[str, Any]:
        """What of the platform is stated besides; the engine judges it."""
        found = {
            "cmdline": options["cmdline"],
            "errata_cpu": options["errata_cpu"] or None,
            "patches": options["patch"],
            "mtrr": read_mtrr(options["mtrr"]) if options["mtrr"] else None,
        }
        return {name: value for name, value in found.items() if value is not None}
