"""The layout table: PA0 to PA7, before and after, the wires between them, who relies on each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from patreview.web.templatetags.marks import counted, type_class

Json = dict[str, Any]

_ROW_HEIGHT = 10  # of the SVG's units; the row n has its middle at 10 n + 5
_FINDINGS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Relier:
    """One line of "who relies on it": the guests that want one type by one way."""

    wants: str
    names: str
    fixed: bool  # the guest's bits are fixed: it follows the index, not the type
    gone: bool  # relied on it before and no longer does


@dataclass(frozen=True, slots=True)
class Row:
    """One PAT entry."""

    entry: Json
    reliers: list[Relier]
    findings: list[Json]

    @property
    def hit(self) -> bool:
        """Whether a finding proves this entry wrong."""
        return self.entry.get("verdict") == "incompatible"

    @property
    def troubled(self) -> bool:
        """Whether the entry has a verdict that is worth a mark: one that holds needs none."""
        return self.entry.get("verdict") not in (None, "compatible")

    @property
    def shown_findings(self) -> list[Json]:
        """The worst finding of each rule, at most two."""
        by_rule: dict[str, Json] = {}
        for finding in self.findings:
            if not finding["fixed"]:
                by_rule.setdefault(finding["rule"], finding)
        return list(by_rule.values())[:_FINDINGS_SHOWN]


@dataclass(frozen=True, slots=True)
class LayoutTable:
    """All that `analyses/_layout_table.html` draws for one platform."""

    platform: Json
    rows: list[Row]
    wires: list[Json]
    words: str
    registers: list[Json] = field(default_factory=list)

    @property
    def proposed(self) -> bool:
        """Whether there is a layout after, to be set beside the one before."""
        return bool(self.platform.get("after"))

    @property
    def changed(self) -> int:
        """How many of the eight entries change."""
        return sum(1 for row in self.rows if row.entry.get("changed"))

    @property
    def hits(self) -> list[int]:
        """The tops of the rows to tint behind the wires, in the SVG's units."""
        return [row.entry["index"] * _ROW_HEIGHT for row in self.rows if row.hit]


def layout_table(platform: Json, findings: Sequence[Json]) -> LayoutTable:
    """The table of one platform of a report; `findings` are the report's, as prepared for the page."""
    rows = [
        Row(
            entry=entry,
            reliers=_reliers(entry.get("relied_on", [])),
            findings=[finding for finding in findings if finding["fingerprint"] in entry.get("findings", [])],
        )
        for entry in platform.get("entries", [])
    ]
    wires = [_wire(wire) for wire in platform.get("wires", [])]
    return LayoutTable(platform, rows, wires, _in_words(platform.get("wires", [])), _registers(platform))


def _reliers(relied_on: Sequence[Json]) -> list[Relier]:
    """Group by type, way and time; the guests of a group are named together."""
    groups: dict[tuple[bool, str, bool], dict[str, int]] = {}
    for relied in relied_on:
        # Where members stand for others that are alike, `guests` says for how many.
        alike = relied.get("guests", len(relied["members"])) - len(relied["members"])
        key = (relied["when"] == "before", relied["wants"], relied["how"] == "index")
        names = groups.setdefault(key, {})
        for place, name in enumerate(relied["members"]):
            names.setdefault(name, 0 if place else alike)
    return [
        Relier(
            wants=wants,
            names=_short([*names]) if gone else counted([*names], sum(names.values())),
            fixed=fixed,
            gone=gone,
        )
        for (gone, wants, fixed), names in sorted(groups.items(), key=lambda item: item[0])
    ]


def _short(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} guests"


def _wire(wire: Json) -> Json:
    start, end = (wire[key] * _ROW_HEIGHT + _ROW_HEIGHT // 2 for key in ("from", "to"))
    path = f"M0 {start}H100" if start == end else f"M0 {start}C52 {start} 48 {end} 100 {end}"
    return {"path": path, "classes": _wire_classes(wire)}


def _wire_classes(wire: Json) -> str:
    if wire["kind"] == "index":
        return "by-index" if wire["safe"] else "by-index broken"
    moves = wire["kind"] == "type" and wire["from"] != wire["to"]
    return f"{'by-type' if moves else 'idle'} {type_class(wire['type'])}"


def _in_words(wires: Sequence[Json]) -> str:
    """What the wires draw, said in a sentence or two."""
    moved = [f"{w['type']} from PA{w['from']} to PA{w['to']}" for w in wires if w["from"] != w["to"]]
    fixed = [f"PA{w['from']}{'' if w['safe'] else ', unsafe'}" for w in wires if w["kind"] == "index"]
    parts = [f"Moves with the type: {'; '.join(moved)}." if moved else "No memory type moves."]
    if fixed:
        parts.append(f"Stays at the index, guests with fixed bits: {'; '.join(fixed)}.")
    return " ".join(parts)


def _registers(platform: Json) -> list[Json]:
    """The MSR values, PA7's byte first, with the bytes that differ marked."""
    before, after = platform["before"], platform.get("after")
    rows = [{"label": "In force" if after else "Layout", "layout": before}]
    if after:
        rows.append({"label": "Proposed", "layout": after})
    pairs = [_bytes(row["layout"]["msr"]) for row in rows]
    for row, octets in zip(rows, pairs, strict=True):
        row["bytes"] = [{"text": octet, "differs": pairs[0][n] != pairs[-1][n]} for n, octet in enumerate(octets)]
    return rows


def _bytes(msr: str) -> list[str]:
    digits = msr.removeprefix("0x").rjust(16, "0")
    return [digits[n : n + 2] for n in range(0, 16, 2)]


def entry_bits(index: int) -> dict[str, int]:
    """The bits of a page-table entry that select a PAT entry."""
    return {"pat": index >> 2 & 1, "pcd": index >> 1 & 1, "pwt": index & 1}
