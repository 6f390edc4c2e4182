"""The inputs of a revision: what is known, and where each fact comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
    "hide_cpuid_pat": "CPUID.PAT hidden",
    "hide_cpuid_mtrr": "CPUID.MTRR hidden",
    "errata_cpu": "On an errata CPU",
    "booted_under": "Booted under",
    "observed_pat": "Layout seen in its boot log",
    "config": "Configuration",
}
_WRITTEN = {"pv": "PV", "pvh": "PVH", "hvm": "HVM", True: "yes", False: "no", None: "unknown"}


def context(revision: Revision, artifacts: Sequence[Artifact]) -> Json:
    """The layout or the facts that a revision proposes, its notes and its files."""
    guest = revision.content.get("guest") or {}
    known = guest.get("facts", {})
    return {
        "proposed_layout": revision.content.get("layout"),
        "facts": [_fact(key, known[key]) for key in _NAMES if key in known],
        "fact_notes": guest.get("notes", []),
        "artifacts": artifacts,
    }


def _fact(key: str, fact: Json) -> Json:
    value, origin = fact["value"], fact.get("origin") or {}
    lines = fact.get("lines") or {}
    symbols = value if isinstance(value, dict) else {}
    return {
        "name": _NAMES[key],
        "value": "" if symbols else _written(value),
        "lines": [_symbol(name, symbols[name], lines.get(name)) for name in symbols],
        "origin": _origin(origin),
    }


def _written(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else _WRITTEN.get(value, value)


def _symbol(name: str, value: Any, line: int | None) -> str:
    return f"{name}={value}, line {line}" if line else f"{name} = {value}"


def _origin(origin: Json) -> str:
    source, line, person = origin.get("source"), origin.get("line"), origin.get("by")
    if origin.get("kind") == "stated":
        return f"stated by {person}" if person else "stated"
    where = f"{source}:{line}" if source and line else source
    if origin.get("kind") == "table":
        return f"known kernels: {where}" if where else "table of known kernels"
    return where or "file"
