"""Write the parts of docs/ that are the engine's own: `python docs/generate.py`, or `make docs`.

docs/rules.md as a whole; in docs/memory-types.md what stands between `<!-- table: NAME -->` and `<!-- end -->`.
`--check` writes nothing and exits 1 where a file would change.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

import simulator  # noqa: E402

Json = dict[str, Any]
ORDER = ("UC", "UC-", "WC", "WT", "WP", "WB")
MTRRS = ("UC", "WC", "WT", "WP", "WB")


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def layouts() -> str:
    """The layouts that are known, PA0 first."""
    head = ("layout", *(f"PA{index}" for index in range(8)), "value", "how sure")
    rows = simulator.hypervisors_as_data()["layouts"]
    return table(head, ((one["title"], *one["entries"], f"`{one['msr']}`", one["confidence"]) for one in rows))


def grid(vendor: str) -> str:
    """The effective types of one vendor."""
    cells = simulator.memory_types_as_data()["effective"][vendor]
    return table(("MTRR", *ORDER), ((mtrr, *(cells[mtrr][pat] for pat in ORDER)) for mtrr in MTRRS))


def notes(vendor: str) -> str:
    """What a reader of a vendor's table must know."""
    return "\n".join(f"- {note}" for note in simulator.memory_types_as_data()["notes"][vendor])


def properties() -> str:
    """What each type may do, and what it gives."""
    data = simulator.memory_types_as_data()
    rows = [
        (row["key"], row["title"], *("x" if word in row["types"] else "" for word in ORDER))
        for kind in ("liberties", "services")
        for row in data[kind]
    ]
    return table(("property", "", *ORDER), rows)


def harms() -> str:
    """Which liberty does harm where."""
    cells = simulator.memory_types_as_data()["harms"]
    contexts = list(dict.fromkeys(cell["context"] for cell in cells))
    liberties = list(dict.fromkeys(cell["liberty"] for cell in cells))
    words = {(cell["liberty"], cell["context"]): cell["verdict"] for cell in cells}
    none = {"compatible": "no harm"}
    says = {key: none.get(word, word) for key, word in words.items()}
    rows = ((liberty, *(says[liberty, one] for one in contexts)) for liberty in liberties)
    return table(("liberty taken", *contexts), rows)


def pairs() -> str:
    """The pair table, a table for each context."""
    cells = simulator.memory_types_as_data()["pairs"]
    parts = []
    for context in dict.fromkeys(cell["context"] for cell in cells):
        words = {(one["wanted"], one["in_force"]): one["verdict"] for one in cells if one["context"] == context}
        rows = ((wanted, *(words[wanted, mtrr] for mtrr in MTRRS)) for wanted in ORDER)
        parts.append(
            f"{context[0].upper()}{context[1:]}\n\n" + table(("wanted", *(f"in force {m}" for m in MTRRS)), rows)
        )
    return "\n\n".join(parts)


def wt_for_wc() -> str:
    """What becomes of WC asked and WT given, by the MTRR type of the page and by vendor."""
    data = simulator.memory_types_as_data()
    cells = {(one["context"], one["wanted"], one["in_force"]): one for one in data["pairs"]}
    rows = []
    for mtrr in MTRRS:
        got = {vendor: data["effective"][vendor][mtrr]["WT"] for vendor in ("intel", "amd")}
        places = ("device memory",) if mtrr in ("UC", "WC") else _RAM
        said = "; ".join(f"{place}: {cells[place, 'WC', got['intel']]['verdict']}" for place in places)
        rows.append((mtrr, "WC", got["intel"], got["amd"], said))
    return table(("MTRR of the page", "asked for WC", "WT gives on Intel", "on AMD", "so, on Intel"), rows)


_RAM = ("RAM that a non-snooping device reads", "RAM that a non-snooping device also writes")


def kernels() -> str:
    """How each guest kernel encodes the types."""
    rows = []
    for guest in simulator.guests_as_data():
        for mode, word in (("pv_dom0", "PV dom0"), ("pv_domu", "PV domU"), ("native", "HVM, PVH")):
            how = guest[mode]
            if how is not None:
                reads = "lowest, else " if how["reads_layout"] else ""
                cells = ("-" if n is None else f"{reads}{n}" for n in how["indices"].values())
                layout = guest["layout"] if mode == "native" else ""
                rows.append((guest["title"].rstrip(","), word, *cells, layout or "", guest["confidence"]))
    return table(("guest", "as", *ORDER, "programs", "how sure"), rows)


def losses() -> str:
    """Which Linux releases lose the PAT bit."""
    rows = []
    for row in simulator.losses_as_data():
        series = row["first"] if row["first"] == row["last"] else f"{row['first']} to {row['last']}"
        ended = row["fixed"] is None
        rows.append((series, "all" if ended else f"up to {row['last']}.{row['without']}",
                     "-" if ended else f"{row['last']}.{row['fixed']}", row["confidence"]))  # fmt: skip
    return table(("Linux", "loses the PAT bit", "keeps it from", "how sure"), rows)


def drivers() -> str:
    """What drivers map."""
    rows = (
        (one["driver"], one["title"], ", ".join(one["symbols"]).replace("CONFIG_", ""),
         ", ".join(one["wants"]) or f"perhaps {', '.join(one['possible'])}")
        for one in simulator.drivers_as_data()
    )  # fmt: skip
    return table(("driver", "", "CONFIG_", "maps"), rows)


def xen() -> str:
    """What Xen does, by release."""
    known = simulator.hypervisors_as_data()
    rows = [(facet["title"], row["since"], row["text"]) for facet in known["facets"] for row in facet["rows"]]
    return table(("what", "since", ""), rows)


def ept() -> str:
    """The rules of EPT memory types."""
    rows = simulator.hypervisors_as_data()["ept_rules"]
    return table(
        ("#", "condition", "EMT", "IPAT"), ((r["number"], r["condition"], r["emt"] or "-", r["ipat"]) for r in rows)
    )


def conditions() -> str:
    """What has a say besides the table of effective types."""
    rows = simulator.memory_types_as_data()["conditions"]
    return table(("processor", "where", "then"), ((one["vendor"], one["when"], one["effect"]) for one in rows))


def errata() -> str:
    """Which processors are taken to lose the PAT bit."""
    rows = (
        (one["by"], f"{one['family']:#x}", f"{one['first_model']:#x} to {one['last_model']:#x}", one["names"])
        for one in simulator.memory_types_as_data()["errata"]
    )
    return table(("by", "family", "models", ""), rows)


def windows() -> str:
    """The S3 windows."""
    rows = []
    for one in simulator.hypervisors_as_data()["s3_windows"]:
        last = "the last" if one["last"] is None else f"{one['series']}.{one['last']}"
        rows.append((one["series"], f"{one['series']}.{one['first']} to {last}"))
    return table(("Xen", "releases"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "layouts": layouts,
    "intel": lambda: grid("intel"),
    "intel notes": lambda: notes("intel"),
    "amd": lambda: grid("amd"),
    "amd notes": lambda: notes("amd"),
    "properties": properties,
    "harms": harms,
    "pairs": pairs,
    "WT for WC": wt_for_wc,
    "kernels": kernels,
    "losses": losses,
    "drivers": drivers,
    "xen": xen,
    "ept": ept,
    "windows": windows,
    "conditions": conditions,
    "errata": errata,
}


def rules() -> str:
    """The rules, by group, with their examples."""
    all_rules = simulator.rules_as_data()
    parts = [
        "# The rules",
        "Written by `make docs` from the engine's own catalogue. A rule has an id that is never used for another, a "
        "severity, the guests or layouts that it applies to, its sources, and two examples: a scenario "
        "(patreview.scenario/1) in which it fires and one in which it is silent. The tests run both.",
    ]
    for group in dict.fromkeys(rule["group"] for rule in all_rules):
        mine = [rule for rule in all_rules if rule["group"] == group]
        parts.append(f"## {mine[0]['id'][:3]}: {group}")
        parts.append(table(("id", "checks that", "severity"), ((_link(r), r["title"], r["severity"]) for r in mine)))
        parts += [_rule(rule) for rule in mine]
    return "\n\n".join(parts) + "\n"


def _link(rule: Json) -> str:
    return f"[{rule['id']}](#{rule['id'].lower()})"


def _rule(rule: Json) -> str:
    fired = [one for one in simulator.analyse(rule["fires"])["findings"] if one["rule"] == rule["id"]]
    said = next(one for one in fired if one["state"] != "fixed")
    return "\n".join(
        [
            f"### {rule['id']}",
            "",
            f"**{rule['title']}.** {rule['about']}",
            "",
            f"Applies to: {rule['applies_to']}. Severity: {rule['severity']}.",
            "",
            *(f"- {cite}" for cite in rule["cites"]),
            "",
            f"Fires ({said['verdict']}): {said['message']}",
            "",
            "```json",
            json.dumps(rule["fires"]),
            "```",
            "",
            "Silent:",
            "",
            "```json",
            json.dumps(rule["silent"]),
            "```",
        ]
    )


def filled(text: str) -> str:
    """A document with its marked tables written anew. Raises KeyError for a mark that no table has."""

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]}\n\n{TABLES[match[2]]()}\n\n<!-- end -->"

    return re.sub(r"(<!-- table: ([^>]+?) -->).*?<!-- end -->", fill, text, flags=re.DOTALL)


def generated() -> dict[Path, str]:
    """What each file should hold."""
    memory_types = DOCS / "memory-types.md"
    return {DOCS / "rules.md": rules(), memory_types: filled(memory_types.read_text())}


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with --check say which would change."""
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.name} is not what the engine says: make docs")
        return int(bool(stale))
    for path, text in generated().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
