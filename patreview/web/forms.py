"""What a person fills in to propose a layout or a guest kernel. The engine is the judge of its meaning."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from patreview.submissions.services import ANY_ROLE, Upload

TYPES = ("UC", "UC-", "WC", "WT", "WP", "WB")
PASTED_MAX = 4 * 1024 * 1024  # characters
PASTED = "pasted.txt"
_ENCODING_FIELDS = {name: f"encoding_{name.lower().replace('-', 'm')}" for name in TYPES}
_LISTS = ("patches", "drivers", "needs")  # words between spaces or commas
_FLAGS = ("hide_cpuid_pat", "errata_cpu")  # not stated where not ticked
_LONG = {"rows": 2}
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}

Json = dict[str, Any]


class ManyFiles(forms.FileField):
    """Several files at once."""

    class Input(forms.FileInput):
        allow_multiple_selected = True

    widget = Input

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        sent = data if isinstance(data, list) else [data] if data else []
        return [super(ManyFiles, self).clean(one, initial) for one in sent]


class Proposal(forms.Form):
    """What both kinds have: a title, files, and a note on the revision."""

    use_required_attribute = False

    title = forms.CharField(max_length=100, help_text="What is proposed, in a few words.")
    note = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea(_LONG), help_text="Why; for the reviewers. Optional."
    )

    def uploads(self) -> tuple[Upload, ...]:
        """The files that were chosen, and what was pasted; what each is will be found by its content."""
        chosen = []
        for one in self.cleaned_data.get("evidence") or []:
            one.seek(0)
            chosen.append(Upload(ANY_ROLE, str(one.name)[:255], one.read()))
        pasted = self.cleaned_data.get("pasted") or ""
        if pasted.strip():
            chosen.append(Upload(ANY_ROLE, PASTED, pasted.replace("\r\n", "\n").encode()))
        return tuple(chosen)

    def take(self, problems: Sequence[Json]) -> None:
        """Put the engine's problems at the fields that they are about."""
        for problem in problems:
            name = field_of(problem.get("field"))
            if name in self.fields:
                self.add_error(name, problem["message"])

    def omit(self, *names: str) -> None:
        """Leave out what a new revision inherits."""
        for name in names:
            self.fields.pop(name, None)


def field_of(path: str | None) -> str:
    """The field of a form that a problem's path is about: "guest.encodings.WC" is encoding_wc."""
    parts = re.sub(r"\[\d+\]", "", path or "").split(".")
    if "encodings" in parts:
        return _ENCODING_FIELDS.get(parts[-1], "family")
    return "evidence" if parts[0] == "files" else parts[-1]


class LayoutProposal(Proposal):
    """A layout for a platform: eight choices, or a text that wins over them."""

    layout = forms.CharField(
        required=False,
        max_length=1 << 20,
        strip=False,
        label="Or as text",
        help_text="IA32_PAT value (PA7 comes first), eight types from PA0, the kernel's own boot-log line, or a "
        "patch to Xen's processor.h and page.h.",
        widget=forms.Textarea(_PLAIN | {"rows": 2, "class": "text8", "placeholder": "0x0407050600070106"}),
    )
    evidence = ManyFiles(
        required=False, label="Or as files", help_text="A patch or headers of Xen; a Xen binary, to compare with."
    )
    platform = forms.ChoiceField(help_text="Whose layout in force this would replace.")

    def __init__(self, *args: Any, platforms: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["platform"] = forms.ChoiceField(
            choices=[(name, name) for name in platforms], help_text=self.fields["platform"].help_text
        )
        for index in range(8):
            self.fields[f"pa{index}"] = forms.ChoiceField(
                required=False, label=f"PA{index}", choices=[(name, name) for name in TYPES]
            )

    def text(self) -> str:
        """The layout that was meant: the text if there is one, else the eight choices."""
        typed = str(self.cleaned_data.get("layout", ""))
        if typed.strip():
            return typed.replace("\r\n", "\n")
        return " ".join(str(self.cleaned_data.get(f"pa{index}") or "UC") for index in range(8))

    def is_chosen(self) -> bool:
        """Whether a person typed a layout, or changed one of the eight choices."""
        changed = set(self.changed_data)
        return bool(str(self.cleaned_data.get("layout", "")).strip()) or any(
            f"pa{index}" in changed for index in range(8)
        )


class GuestProposal(Proposal):
    """A guest kernel: what a person states of it, its .config, and encodings where they are stated."""

    name = forms.CharField(
        required=False,
        max_length=100,
        help_text="Its name in service, as dom0-6.12; an xl.cfg has one.",
        widget=forms.TextInput(_PLAIN),
    )
    family = forms.ChoiceField(required=False, help_text="Decides how it encodes memory types.")
    release = forms.CharField(
        required=False,
        max_length=100,
        label="Kernel release",
        help_text="As uname -r prints it. Without it the verdict may be indeterminate.",
        widget=forms.TextInput(_PLAIN | {"placeholder": "6.12.117"}),
    )
    mode = forms.ChoiceField(required=False, choices=[("", "not stated"), ("pv", "PV"), ("pvh", "PVH"), ("hvm", "HVM")])
    role = forms.ChoiceField(required=False, choices=[("", "not stated"), ("dom0", "dom0"), ("domU", "domU")])
    devices = forms.ChoiceField(
        required=False,
        label="Passed-through devices",
        choices=[("", "not stated"), ("yes", "yes"), ("no", "no")],
    )
    cmdline = forms.CharField(required=False, max_length=4096, label="Command line", widget=forms.TextInput(_PLAIN))
    patches = forms.CharField(
        required=False,
        max_length=1000,
        label="Commits that it carries",
        help_text="Of a vendor's kernel, where its release does not tell; as in 548cb932051f.",
        widget=forms.TextInput(_PLAIN),
    )
    drivers = forms.CharField(
        required=False,
        max_length=1000,
        help_text="Names of those that drive its devices, as in i915 efifb; they decide which types it maps.",
        widget=forms.TextInput(_PLAIN | {"placeholder": "i915 efifb"}),
    )
    needs = forms.CharField(
        required=False,
        max_length=200,
        label="Memory types that it maps",
        help_text="Beside what its drivers map: a type, or a type at mmio or ram.",
        widget=forms.TextInput(_PLAIN | {"placeholder": "WC@mmio UC-"}),
    )
    hide_cpuid_pat = forms.BooleanField(
        required=False, label="CPUID.PAT hidden", help_text="A toolstack hides the flag from it."
    )
    errata_cpu = forms.BooleanField(
        required=False, label="Errata CPU", help_text="Its PAT bit is unreliable (Pentium III, early Pentium 4)."
    )
    keep = forms.BooleanField(required=False, initial=True, label="Keep what has no field here")
    evidence = ManyFiles(
        required=False,
        label="Files",
        help_text="A kernel image, .config, boot log, xl.cfg, /proc files, or the tarball of collect.sh: what each "
        "is, is found by its content.",
    )
    pasted = forms.CharField(
        required=False,
        strip=False,
        max_length=PASTED_MAX,
        label="Or paste one",
        help_text="A .config, a boot log, an xl.cfg.",
        widget=forms.Textarea({"rows": 12, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, families: Sequence[Json], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["family"] = forms.ChoiceField(
            required=False,
            choices=[("", "not stated"), *((family["family"], family["title"]) for family in families)],
            help_text=self.fields["family"].help_text,
        )
        for name, field in _ENCODING_FIELDS.items():
            widget = forms.TextInput(_PLAIN | {"placeholder": "PWT" if name == "WC" else ""})
            self.fields[field] = forms.CharField(required=False, max_length=20, label=name, widget=widget)

    def encoding_fields(self) -> list[forms.BoundField]:
        """One field a memory type, in the manual's order."""
        return [self[field] for field in _ENCODING_FIELDS.values()]

    def stated(self) -> Json:
        """What the person states, as the engine takes it: only what was filled in."""
        names = ("name", "family", "release", "mode", "role", "cmdline")
        stated: Json = {name: self.cleaned_data[name] for name in names if self.cleaned_data.get(name)}
        lists = {name: self.cleaned_data.get(name, "").replace(",", " ").split() for name in _LISTS}
        stated |= {name: words for name, words in lists.items() if words}
        stated |= {name: True for name in _FLAGS if self.cleaned_data.get(name)}
        if self.cleaned_data.get("devices"):
            stated["devices"] = self.cleaned_data["devices"] == "yes"
        encodings = {name: self.cleaned_data.get(field) for name, field in _ENCODING_FIELDS.items()}
        filled = {name: bits for name, bits in encodings.items() if bits}
        return stated | ({"encodings": filled} if filled else {})


def guest_initial(stated: Mapping[str, Any]) -> Json:
    """The fields of a guest form that say what was stated before."""
    stated = {key: value for key, value in stated.items() if value is not None}
    initial = {key: value for key, value in stated.items() if key not in ("devices", "encodings", *_LISTS)}
    if "devices" in stated:
        initial["devices"] = "yes" if stated["devices"] else "no"
    initial |= {name: " ".join(stated[name]) for name in _LISTS if name in stated}
    encodings = stated.get("encodings", {})
    return initial | {_ENCODING_FIELDS[name]: bits for name, bits in encodings.items() if name in _ENCODING_FIELDS}
