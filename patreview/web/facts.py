"""The inputs of a revision: what is known, where each fact comes from, and what was understood of each file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from patreview.analyses.queries import content_of

if TYPE_CHECKING:
    from patreview.submissions.queries import Artifact, Revision

Json = dict[str, Any]

_NAMES = {
    "family": "Family",
    "release": "Kernel release",
    "mode": "Runs as",
    "role": "Role",
    "devices": "Devices passed through",
    "cmdline": "Command line",
    "encodings": "Encodings",
    "patches": "Commits that it carries",
    "drivers": "Drivers",
    "modules": "Modules loaded",
    "needs": "Memory types that it maps",
    "mapped": "Memory types that it had mapped",
    "hide_cpuid_pat": "CPUID.PAT hidden",
    "hide_cpuid_mtrr": "CPUID.MTRR hidden",
    "errata_cpu": "On an errata CPU",
    "booted_under": "Booted under",
    "observed_pat": "Layout seen in its boot log",
    "pat_off": "PAT switched off",
    "conflicts": "Mappings refused",
    "copies_mtrrs": "Takes the MTRRs from Xen",
    "boots": "Boots in the log",
    "image": "Kernel image",
    "unreadable": "Image not read",
    "host": "Its host",
    "config": "Configuration",
}
#: The page-flag constants and the rest that a patch of Xen shows.
_SOURCE_NAMES = {
    "page_flags": "Page-flag constants (PAT index)",
    "page_h": "page.h",
    "assertion": "Build assertion",
    "assertion_value": "Value that it asserts",
    "public_header": "Public header",
    "mmio_test": "Test of MMIO mappings",
}
_ABILITIES = {"pv": "PV", "pvh": "PVH", "dom0": "dom0"}
_WRITTEN = {"pv": "PV", "pvh": "PVH", "hvm": "HVM", True: "yes", False: "no", None: "unknown"}
VALUE_MAX = 300  # characters of a value that a table shows


def context(revision: Revision, artifacts: Sequence[Artifact]) -> Json:
    """The layout or the facts that a revision proposes, and its files as they were read."""
    return context_of(content_of(revision)) | {"artifacts": artifacts}


def context_of(content: Json) -> Json:
    """The same of a content alone."""
    guest = content.get("guest") or {}
    layout = content.get("layout") or {}
    known = guest.get("facts", {})
    files = [_file(one) for one in guest.get("evidence") or []]
    return {
        "proposed_layout": content.get("layout"),
        "source_facts": _source(layout.get("source") or {}),
        "facts": [_fact(key, known[key]) for key in _NAMES if key in known],
        "fact_notes": layout.get("notes", []) if not files else [],
        "files": files,
    }


def _fact(key: str, fact: Json) -> Json:
    value, lines = fact["value"], fact.get("lines") or {}
    symbols = value if key in ("config", "encodings") else {}
    return {
        "name": _NAMES[key],
        "value": "" if symbols else written(key, value),
        "lines": [_symbol(name, symbols[name], lines.get(name)) for name in symbols],
        "origin": _origin(fact.get("origin") or {}),
        "also": [
            {"value": written(key, one["value"]), "origin": _origin(one["origin"])} for one in fact.get("also", [])
        ],
    }


def name_of(key: str) -> str:
    """What a table calls a fact of a guest or of a source of Xen."""
    known = {"name": "Name", "platform": "Platform"} | _SOURCE_NAMES | _NAMES
    return known.get(key) or key.replace("_", " ").capitalize()


def written(key: str, value: Any) -> str:
    """A value as a table shows it."""
    if key == "image":
        return _image(value)
    if isinstance(value, list):
        return _short(", ".join(one if isinstance(one, str) else _conflict(one) for one in value))
    if isinstance(value, dict):
        return _short("; ".join(f"{name} {_plain(item)}" for name, item in value.items() if item is not None))
    return _short(str(_WRITTEN.get(value, value)))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _short(text: str) -> str:
    return text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]}…"


def _conflict(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    types = f" {one.get('wanted')} wanted, {one.get('got')} given" if one.get("wanted") and one.get("got") else ""
    return f"{one.get('kind', '')}{types}"


def _image(value: Json) -> str:
    packed = f", {value['payload']} payload" if value.get("payload") else ""
    unpacked = f" of {value['unpacked_bytes']:,} bytes" if value.get("unpacked_bytes") else ""
    abilities = value.get("abilities") or {}
    able = ", ".join(_ABILITIES[way] for way in _ABILITIES if abilities.get(way, {}).get("able"))
    refused = "; ".join(
        f"not {_ABILITIES[way]}: {abilities[way].get('why', '')}"
        for way in _ABILITIES
        if way in abilities and not abilities[way].get("able")
    )
    runs = f"; Xen takes it as {able}" if able else ""
    return f"{value.get('format', 'image')}{packed}{unpacked}{runs}{f'; {refused}' if refused else ''}"


def _symbol(name: str, value: str, line: int | None) -> str:
    return f"{name}={value}, line {line}" if line else f"{name} = {value}"


def _origin(origin: Json) -> str:
    source, line, person = origin.get("source"), origin.get("line"), origin.get("by")
    if origin.get("kind") == "stated":
        return f"stated by {person}" if person else "stated"
    where = f"{source}:{line}" if source and line else source
    if origin.get("kind") == "image" and origin.get("offset") is not None:
        return f"{source} at {origin['offset']:#x}"
    if origin.get("kind") == "table":
        return f"known kernels: {where}" if where else "table of known kernels"
    return where or "file"


_STATES = {"read": "read", "pending": "a worker reads it", "refused": "could not be read"}


def _file(one: Json) -> Json:
    facts = [
        {"key": fact["key"].replace("_", " "), "value": written(fact["key"], fact["value"]), "place": _place(fact)}
        for fact in one["facts"]
    ]
    shown = ("name", "title", "notes", "unknown", "unknown_count", "problems", "gaps", "host")
    return {key: one.get(key) for key in shown} | {
        "facts": facts,
        "state": _STATES[one["state"]],
        "is_read": one["state"] == "read",
        "more": one["unknown_count"] - len(one["unknown"]),
    }


def _place(fact: Json) -> str:
    if fact.get("line"):
        return f"line {fact['line']}"
    return f"at {fact['offset']:#x}" if fact.get("offset") is not None else ""


def _source(source: Json) -> list[Json]:
    lines = source.get("lines") or {}
    return [
        {
            "name": title,
            "value": written(key, source[key]),
            "origin": f"{source['name']}:{lines[key]}" if key in lines else source["name"],
        }
        for key, title in _SOURCE_NAMES.items()
        if key in source
    ]
