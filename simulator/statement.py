"""A guest's facts from what a person states and the files sent along, each with its origin."""

import re
from collections.abc import Mapping

from simulator.driver import parse_driver
from simulator.guest import FAMILIES
from simulator.inputs.encodings import read_encodings, write_encodings
from simulator.inputs.kernel_release import parse_plain, parse_release
from simulator.inputs.layout import read_layout
from simulator.inputs.record import NAME_LIMIT, Record, check_text
from simulator.memory_type import BY_WORD, MemoryType
from simulator.pair import Target
from simulator.problem import refuse

MODES = ("pv", "pvh", "hvm")
ROLES = ("dom0", "domU")
COMMAND_LINE_LIMIT = 4096
PATCHES_LIMIT = 100
LIST_LIMIT = 2000
_COMMIT = "[0-9a-f]{7,40}"

#: Facts that are true or false and mean false where they are not stated.
FLAGS = ("hide_cpuid_pat", "hide_cpuid_mtrr", "errata_cpu")
_PLAIN_KEYS = ("family", "release", "mode", "role", "devices", "cmdline", "encodings", "patches", "drivers", "modules")
STATED_KEYS = ("name", *_PLAIN_KEYS, "needs", "booted_under", "observed_pat", *FLAGS)
#: What only evidence tells.
SEEN_KEYS = ("config", "image", "unreadable", "pat_off", "conflicts", "mapped", "boots", "copies_mtrrs", "host")
FACT_KEYS = (*STATED_KEYS[1:], *SEEN_KEYS)


def read_guest(stated: object, files: object, *, by: str, careful: bool = True) -> dict[str, object]:
    """The facts of a guest: `{"name", "facts", "notes", "evidence"}`, as plain data.

    `stated` needs a name alone; `files` holds what gather() takes. Images are left for add_images(). Without care a
    .config has no line numbers and no notes.
    Raises InvalidInput naming the field, or the file, line and column.
    """
    record = Record.of(stated, path="", known=STATED_KEYS)
    if files is None or files == []:
        return {"name": record.text("name"), "facts": _read_stated(record, by), "notes": [], "evidence": []}
    from simulator.evidence.gathering import gather  # with its patterns: an answer without files starts sooner
    from simulator.evidence.settling import settle

    evidence = gather(files, careful=careful)
    name = record.optional_text("name") or evidence.name or record.text("name")
    facts = _read_stated(record, by)
    settle(facts, evidence)
    return {"name": name, "facts": facts, "notes": evidence.notes, "evidence": evidence.files}


def add_images(guest: dict[str, object], results: Mapping[str, dict[str, object]]) -> dict[str, object]:
    """A guest of read_guest() with what a worker's child read of its images, by role."""
    from copy import deepcopy

    from simulator.evidence.gathering import Evidence, take_image
    from simulator.evidence.settling import settle

    facts, evidence = deepcopy(guest["facts"]), Evidence([], [])
    assert isinstance(facts, dict)
    for one in guest.get("evidence") or []:  # type: ignore[attr-defined]
        if one["role"] in results:
            take_image(evidence, one["role"], one["name"], results[one["role"]])
        else:
            evidence.files.append(one)
    settle(facts, evidence)
    return {**guest, "facts": facts, "notes": evidence.notes, "evidence": evidence.files}


def _read_stated(record: Record, by: str) -> dict[str, dict[str, object]]:
    family = record.word("family", FAMILIES)
    values: dict[str, object] = {
        "family": family,
        "release": _read_release(record, family),
        "mode": record.word("mode", MODES),
        "role": read_role(record, "role"),
        "devices": record.flag("devices"),
        "cmdline": record.optional_text("cmdline", limit=COMMAND_LINE_LIMIT),
        "encodings": _read_encodings(record),
        "patches": read_patches(record, "patches") or None,
        "drivers": _read_drivers(record) or None,
        "modules": _read_names(record, "modules") if record.has("modules") else None,
        "needs": [f"{wanted.word}@{target}" for wanted, target in read_needs(record, "needs")] or None,
        "booted_under": _read_layout(record, "booted_under"),
        "observed_pat": _read_layout(record, "observed_pat"),
        **{key: record.flag(key) or None for key in FLAGS},
    }
    if (values["mode"], values["role"]) == ("hvm", "dom0"):
        raise refuse("impossible", "no dom0 runs in mode hvm: it is pv or pvh", field=record.at("role"))
    if values["mode"] in ("hvm", "pvh") and values["booted_under"] is not None:
        message = "a guest of mode hvm or pvh has a layout of its own: none that it booted under stays with it"
        raise refuse("impossible", message, field=record.at("booted_under"))
    origin = {"kind": "stated", "by": by, "source": None, "line": None}
    return {key: {"value": value, "origin": dict(origin)} for key, value in values.items() if value is not None}


def read_role(record: Record, key: str) -> str | None:
    """A field that is dom0 or domU, in any case of letters."""
    text = record.optional_text(key)
    role = next((role for role in ROLES if text is not None and role.lower() == text.lower()), None)
    return role if text is None or role else record.word(key, ROLES)


def read_needs(record: Record, key: str) -> list[tuple[MemoryType, Target]]:
    """A field that lists the types that a guest maps, as in `WC@mmio`; a type alone is mapped in both places."""
    needs: list[tuple[MemoryType, Target]] = []
    for position, item in enumerate(record.items(key, limit=2 * len(BY_WORD))):
        field = f"{record.at(key)}[{position}]"
        word, _, place = check_text(item, field=field, limit=NAME_LIMIT).partition("@")
        wanted = BY_WORD.get(word.upper())
        if wanted is None or place.lower() not in ("", *Target):
            message = f"{str(item)[:20]!a} is no need; write it as in WC, WC@mmio or UC-@ram"
            raise refuse("needs", message, field=field)
        needs += [(wanted, target) for target in Target if place.lower() in ("", target)]
    return list(dict.fromkeys(needs))


def _read_drivers(record: Record) -> list[str]:
    names = _read_names(record, "drivers")
    return sorted({parse_driver(name, field=f"{record.at('drivers')}[{n}]") for n, name in enumerate(names)})


def _read_names(record: Record, key: str) -> list[str]:
    items = record.items(key, limit=LIST_LIMIT)
    return [check_text(item, field=f"{record.at(key)}[{n}]", limit=NAME_LIMIT) for n, item in enumerate(items)]


def _read_layout(record: Record, key: str) -> str | None:
    return read_layout(record.data[key], field=record.at(key)).layout.hex if record.has(key) else None


def read_patches(record: Record, key: str) -> list[str]:
    """A field that lists the mainline commits that a kernel carries, each as 7 to 40 hex digits."""
    patches = []
    for position, item in enumerate(record.items(key, limit=PATCHES_LIMIT)):
        field = f"{record.at(key)}[{position}]"
        commit = check_text(item, field=field, limit=NAME_LIMIT).lower()
        if not re.fullmatch(_COMMIT, commit):
            raise refuse("commit", f"{commit!a} is no commit id: 7 to 40 hex digits", field=field)
        patches.append(commit)
    return sorted(set(patches))


def _read_release(record: Record, family: str | None) -> str | None:
    text = record.optional_text("release")
    parse = parse_release if family is None or "linux" in family else parse_plain
    return None if text is None else parse(text, field=record.at("release")).text


def _read_encodings(record: Record) -> dict[str, str] | None:
    value = record.data.get("encodings")
    is_missing = value is None or value == {}
    if is_missing and record.data.get("family") == "stated":
        raise refuse("missing", "family is stated, so each type's PTE bits must be", field=record.at("encodings"))
    return None if is_missing else write_encodings(read_encodings(value, field=record.at("encodings")))
