"""The one door of the service to the engine: plain data on this side, engine values on that."""

from typing import Any

import simulator
from simulator import ENGINE_VERSION, InvalidInput, Problem

Data = dict[str, Any]

_FAMILY_FORMS = {
    "linux": (
        "Linux with paravirt operations",
        "mainline and distribution kernels; the release decides how it encodes",
    ),
    "xenlinux": ("XenLinux (2.6.18-xen)", "the classic Xen port; never sets the PAT bit"),
    "suse-xenlinux": ("SUSE XenLinux", "SUSE's forward port; sets the bits of Xen's own layout"),
    "stated": ("Another kernel", "state the page-table bits that it sets for each memory type"),
}


def rules_digest() -> str:
    """`sha256:` and the digest of the rules and the tables that they read."""
    return simulator.rules_digest()


def check_layout(text: str) -> Data:
    """The layout that a text states; `written_as` is words, msr or boot log. Raises InvalidInput."""
    read = simulator.read_layout(text)
    return {
        "msr": read.layout.hex,
        "entries": read.layout.words,
        "written_as": read.written_as,
        "note": read.note,
    }


def known_layouts() -> list[Data]:
    """The layouts that processors, Xen and kernels are known to use."""
    return [
        {
            "key": named.key,
            "title": named.title,
            "msr": named.layout.hex,
            "entries": named.layout.words,
            "origin": named.origin,
        }
        for named in simulator.NAMED_LAYOUTS
    ]


def known_families() -> list[Data]:
    """The families of guest kernels, for a form."""
    return [
        {"family": family, "title": _FAMILY_FORMS[family][0], "hint": _FAMILY_FORMS[family][1]}
        for family in simulator.FAMILIES
    ]


def read_guest(stated: Data, files: list[Data], *, by: str) -> Data:
    """A guest's facts from what is stated and sent, each with its origin. Raises InvalidInput."""
    return simulator.read_guest(stated, files, by=by)


def guest_title(facts: Data) -> str:
    """A guest's facts in a few words, as in `PV dom0, Linux 6.12.117`."""
    return simulator.describe_guest(facts)


def check_hypervisor(release: str) -> None:
    """Raises InvalidInput for a release of Xen that no table knows."""
    simulator.parse_release(release)


def refusal(*problems: Data) -> InvalidInput:
    """An InvalidInput of problems made by problem() or taken from other refusals."""
    return InvalidInput(*(Problem(**one) for one in problems))


def problems_of(refused: InvalidInput) -> list[Data]:
    """What was wrong, each as plain data: code, message, field, source, line, column."""
    return list(refused.problems)


def problem(field: str, message: str, *, code: str = "invalid") -> Data:
    """A problem that lies in a field of what was sent."""
    return Problem(code=code, message=message, field=field).as_data()


def analyse(scenario: Data) -> Data:
    """The report on a scenario; pure and deterministic. Raises InvalidInput."""
    return simulator.analyse(scenario)


def canonical(data: Any) -> bytes:
    """Canonical JSON (RFC 8785) of data without floats."""
    return simulator.canonical(data)


def digest(domain: str, data: Any) -> str:
    """SHA-256 in hex of bytes or of canonical JSON, apart for each domain."""
    return simulator.digest(domain, data)


def rules() -> list[Data]:
    """The rules: id, title, severity, citations."""
    return simulator.rules_as_data()


__all__ = [
    "ENGINE_VERSION",
    "InvalidInput",
    "analyse",
    "canonical",
    "check_hypervisor",
    "check_layout",
    "digest",
    "guest_title",
    "known_families",
    "known_layouts",
    "problem",
    "problems_of",
    "read_guest",
    "refusal",
    "rules",
    "rules_digest",
]
