"""What a maintainer fills in to add a platform. The engine is the judge of its meaning."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django import forms

from patreview import engine
from patreview.catalogue.queries import CPU_VENDORS
from patreview.catalogue.registration import MTRR_MAX, NewPlatform, read_mtrr

Json = dict[str, Any]

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}
_MTRR_EXAMPLE = '{"default": "UC", "variable": [{"base": "0x0", "size": "0x80000000", "type": "WB"}]}'


class PlatformForm(forms.Form):
    """A release of Xen, the layout in force, and what else is known of the machine."""

    use_required_attribute = False

    name = forms.CharField(
        max_length=50,
        help_text="Letters, digits, dots and dashes. It cannot be changed later.",
        widget=forms.TextInput(_PLAIN | {"placeholder": "xen-4.19"}),
    )
    release = forms.CharField(
        max_length=20,
        label="Release of Xen",
        help_text="As 4.19 or 4.17.2; with the patch level where you know it.",
        widget=forms.TextInput(_PLAIN | {"placeholder": "4.17.2"}),
    )
    layout = forms.CharField(
        required=False,
        max_length=10_000,
        label="Layout in force",
        help_text="Eight types from PA0, an IA32_PAT value (PA7 comes first), or a boot-log line. Empty: the release's "
        "own.",
        widget=forms.Textarea(_PLAIN | {"rows": 2, "class": "text8", "placeholder": "0x0000050100070406"}),
    )
    cpu_vendor = forms.ChoiceField(choices=CPU_VENDORS, label="Processors", help_text="Decides where the two differ.")
    cmdline = forms.CharField(
        required=False,
        max_length=4096,
        label="Command line of Xen",
        help_text="For mmio-relax.",
        widget=forms.TextInput(_PLAIN),
    )
    patches = forms.CharField(
        required=False,
        max_length=1000,
        label="Commits that this Xen carries",
        help_text="Where its release does not tell; as in 40b05620e2.",
        widget=forms.TextInput(_PLAIN),
    )
    errata_cpu = forms.BooleanField(
        required=False, label="Errata CPU", help_text="The PAT bit is unreliable (Pentium III, early Pentium 4)."
    )
    mtrr = forms.CharField(
        required=False,
        max_length=MTRR_MAX,
        label="MTRRs",
        help_text="As JSON; without them device memory is taken to be UC, and RAM WB.",
        widget=forms.Textarea(_PLAIN | {"rows": 3, "placeholder": _MTRR_EXAMPLE}),
    )

    def stated(self) -> NewPlatform:
        """What was filled in. Raises engine.InvalidInput for MTRRs that are no JSON."""
        given = self.cleaned_data
        details: Json = {
            "cmdline": given["cmdline"],
            "errata_cpu": given["errata_cpu"],
            "patches": given["patches"].replace(",", " ").split(),
            "mtrr": read_mtrr(given["mtrr"]) if given["mtrr"].strip() else None,
        }
        return NewPlatform(
            name=given["name"],
            release=given["release"],
            layout=given["layout"].replace("\r\n", "\n"),
            cpu_vendor=given["cpu_vendor"],
            details={name: value for name, value in details.items() if value},
        )

    def take(self, problems: Sequence[Json]) -> None:
        """Put the engine's problems at the fields that they are about."""
        for problem in problems:
            name = (problem.get("field") or "").split(".")[0].split("[")[0]
            name = {"xen": "release", "vendor": "cpu_vendor"}.get(name, name)
            self.add_error(name if name in self.fields else None, problem["message"])


def presets(path: str) -> list[Json]:
    """Releases of Xen to start from, as links to the form at `path`."""
    return [one | {"href": f"{path}?{urlencode({'release': one['release']})}"} for one in _releases()]


@cache
def _releases() -> list[Json]:
    """The releases with which something changed that counts here, newest first, each with what."""
    changes: dict[str, list[str]] = {}
    for facet in engine.known_hypervisors()["facets"]:
        for row in facet["rows"]:
            changes.setdefault(row["since"], []).append(facet["title"])
    order = sorted(changes, key=lambda release: [int(part) for part in release.split(".")], reverse=True)
    return [
        {
            "title": f"Xen {release}",
            "release": release,
            "changed": changes[release] if release != order[-1] else ["where the tables begin"],
            "layout": engine.check_layout(engine.stock_layout(release)),
        }
        for release in order
    ]
