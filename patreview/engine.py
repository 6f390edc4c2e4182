"""The one door of the service to the engine: plain data on this side, engine values on that."""

from typing import Any

import simulator
from simulator import COMPARISON_CLASSES, ENGINE_VERSION, InvalidInput, Problem

Data = dict[str, Any]

SCENARIO_SCHEMA = "patreview.scenario/1"
#: Worst first.
VERDICTS = ("incompatible", "indeterminate", "conditional", "degraded", "compatible")

_FAMILY_HINTS = {
    "linux": "mainline and distribution kernels; the release decides how it encodes",
    "linux-jeremy": "the dom0 tree of 2.6.31 and 2.6.32; translates WC to the PAT bit",
    "xenlinux": "the classic Xen port; never sets the PAT bit",
    "suse-xenlinux": "SUSE's forward port; sets the bits of Xen's own layout",
    "stated": "state the page-table bits that it sets for each memory type",
}
_FAMILY_TITLES = {
    "linux": "Linux with paravirt operations",
    "linux-jeremy": "Linux, Jeremy Fitzhardinge's dom0 tree",
    "xenlinux": "XenLinux (2.6.18-xen)",
    "stated": "Another kernel",
}


def rules_digest() -> str:
    """`sha256:` and the digest of the rules and the tables that they read."""
    return simulator.rules_digest()


def check_layout(text: str, *, name: str = "the pasted text") -> Data:
    """The layout that a text states; `written_as` is words, msr, boot log or Xen source. Raises InvalidInput.

    Of a source or a patch of Xen, `source` says what else it shows.
    """
    return simulator.read_layout_text(text, name=name)


def formats() -> list[Data]:
    """The kinds of files that are read: role, title, limit in bytes, whether it is text."""
    return [
        {"role": one.role, "title": one.title, "size": one.size, "is_text": one.is_text} for one in simulator.FORMATS
    ]


def text_of(body: bytes) -> str:
    """The text of a file: UTF-8, else Latin-1."""
    return simulator.decode(body)


def size_limit(role: str) -> int:
    """How many bytes a file of a role may have."""
    return next(one.size for one in simulator.FORMATS if one.role == role)


def recognise(name: str, body: bytes) -> str:
    """The role of a file by its content. Raises InvalidInput."""
    return simulator.recognise(name, body)


def is_image(role: str) -> bool:
    """Whether only a worker's child process reads files of a role."""
    return role in simulator.IMAGE_ROLES


def read_image(name: str, body: bytes, *, wall_s: float) -> Data:
    """What a child process read of an image: `reading` or `problems`; never raises, whatever the bytes are."""
    return simulator.read_in_child(body, source=name, wall_s=wall_s)


def known_layouts() -> list[Data]:
    """The layouts that processors, Xen and kernels are known to use."""
    layouts: Any = simulator.hypervisors_as_data()["layouts"]
    return list(layouts)


def known_families() -> list[Data]:
    """The families of guest kernels, for a form."""
    return [
        {
            "family": family,
            "title": _FAMILY_TITLES.get(family, simulator.FAMILY_TITLES[family]),
            "hint": _FAMILY_HINTS.get(family, ""),
        }
        for family in simulator.FAMILIES
    ]


def read_guest(stated: Data, files: list[Data], *, by: str) -> Data:
    """A guest's facts from what is stated and sent, each with its origin. Raises InvalidInput."""
    return simulator.read_guest(stated, files, by=by)


def built_in(result: Data) -> Data:
    """What a Xen binary has built in, of what read_image() said: `built_in`, `binary_release`, or `unreadable`."""
    if "problems" in result:
        return {"unreadable": result["problems"][0]["message"]}
    facts = {fact["key"]: fact["value"] for fact in result["reading"]["facts"]}
    if result["reading"]["kind"] != "xen-image":
        return {"unreadable": "it is the image of a kernel, not of a hypervisor"}
    found = {"built_in": facts.get("xen_layout"), "binary_release": facts.get("xen")}
    return {key: value for key, value in found.items() if value}


def add_images(guest: Data, results: dict[str, Data]) -> Data:
    """A guest of read_guest() with what was read of its images, by role."""
    return simulator.add_images(guest, results)


def platform_seen(guest: Data) -> Data | None:
    """The host that a guest's evidence shows, as a platform of a scenario without a name; None where none is seen."""
    return simulator.platform_seen(guest)


def is_same_platform(seen: Data, platform: Data) -> bool:
    """Whether a host that evidence shows may be a platform of a scenario: equal in all that both state."""
    return simulator.is_same_platform(seen, platform)


def account(guest: Data) -> Data:
    """What is known of a guest of read_guest(): facts, files, and what is missing and would decide."""
    return simulator.account_of(guest)


def guest_title(facts: Data) -> str:
    """A guest's facts in a few words, as in `PV dom0, Linux 6.12.117`."""
    return simulator.describe_guest(facts)


def stock_layout(release: str) -> str:
    """The IA32_PAT value that a release of Xen runs with as shipped. Raises InvalidInput for what is no release."""
    return simulator.parse_release(release).layout.hex


def patches_along(release: str, layout: str) -> list[str]:
    """The commits without which a release of Xen must not be given this layout: by then it tests MMIO by type."""
    by_index = simulator.parse_release(release).mmio_test.value == "index"
    return [simulator.MMIO_BY_TYPE_FIX] if by_index and layout != simulator.XEN_LAYOUT.hex else []


def check_platform(platform: Data) -> None:
    """Raises InvalidInput for a platform of a scenario with a release of Xen, MTRRs or options that cannot be."""
    simulator.check_platform(platform)


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
    """The rules: id, group, title, severity, to what they apply, citations, examples."""
    return simulator.rules_as_data()


def memory_types() -> Data:
    """The hardware: properties of the types, effective types by vendor, the pair table."""
    return simulator.memory_types_as_data()


def known_guests() -> list[Data]:
    """What is known of guest kernels, a row for each family and range of releases."""
    return simulator.guests_as_data()


def known_losses() -> list[Data]:
    """Which Linux releases lose the PAT bit."""
    return simulator.losses_as_data()


def known_drivers() -> list[Data]:
    """What drivers map, and what they insist on."""
    return simulator.drivers_as_data()


def known_hypervisors() -> Data:
    """What is known of Xen, by release."""
    return simulator.hypervisors_as_data()


def compare(before: Data, after: Data) -> Data:
    """What changed from one report to another. Raises InvalidInput for data that is no report."""
    return simulator.compare(before, after)


def compare_inputs(before: Data, after: Data) -> Data:
    """What changed in the inputs: sides as `{"layout"}` or `{"guest"}` with `platform`, `note`, `files`."""
    return simulator.compare_inputs(before, after)


__all__ = [
    "COMPARISON_CLASSES",
    "ENGINE_VERSION",
    "SCENARIO_SCHEMA",
    "VERDICTS",
    "InvalidInput",
    "account",
    "add_images",
    "analyse",
    "built_in",
    "canonical",
    "check_layout",
    "check_platform",
    "compare",
    "compare_inputs",
    "digest",
    "formats",
    "guest_title",
    "is_image",
    "is_same_platform",
    "known_drivers",
    "known_families",
    "known_guests",
    "known_hypervisors",
    "known_layouts",
    "known_losses",
    "memory_types",
    "patches_along",
    "platform_seen",
    "problem",
    "problems_of",
    "read_guest",
    "read_image",
    "recognise",
    "refusal",
    "rules",
    "rules_digest",
    "size_limit",
    "stock_layout",
    "text_of",
]
