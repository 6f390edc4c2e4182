"""The engine's answers as text for people, at most 100 columns where words allow it."""

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import Any

from simulator.memory_type import ORDER

Json = dict[str, Any]
WIDTH = 100


def _print(text: str, indent: str = "") -> None:
    print(fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  "))


def columns(rows: Sequence[Sequence[object]]) -> Iterable[str]:
    """Rows as lines, in columns of the widths that they need."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in texts) for n in range(len(texts[0]))]
    for row in texts:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def print_explanation(found: Json) -> None:
    """What `explain` found: the verdict, the layout, a line for each memory type, what the rules say."""
    guest, layout = found["guest"], found["host_layout"]
    print(f"verdict: {found['verdict']}")
    print(f"guest:   {guest['family']} {guest['release'] or '(release unknown)'}, {guest['mode']} {guest['role']}, "
          f"{'with' if guest['devices'] else 'without'} devices; {guest['row']} ({guest['confidence']})")  # fmt: skip
    print(f"layout:  {layout['msr']} {' '.join(layout['entries'])} ({layout['source']})")
    needs = [f"{need['wanted']}@{need['target']}{'' if need['certain'] else '?'}" for need in found["needs"]]
    print(f"needs:   {', '.join(needs)}")
    print()
    head = ("wanted", "PAT PCD PWT", "index", "type", "under MTRR UC WC WT WP WB", "verdict", "rules")
    for line in columns([head, *(_mapping(one) for one in found["mappings"])]):
        print(line)
    _print_findings(found["findings"])
    for one in found["coverage"]["undecided"]:
        _print(f"undecided: {one['rule']}: {one['missing']}")


def _mapping(one: Json) -> Sequence[object]:
    rules = " ".join(one["findings"])
    if one["refused"]:
        return one["wanted"], "-", "-", "-", f"refused by {one['refused']['by']}", one["verdict"], rules
    if one["pte_bits"] is None:
        return one["wanted"], "?", "?", "?", "?", one["verdict"], rules
    bits = "   ".join(str(bit) for bit in one["pte_bits"].values())
    effective = " ".join(word.ljust(3) for word in one["effective"].values())
    return one["wanted"], bits, one["pat_index"], one["pat_type"], effective, one["verdict"], rules


def _print_findings(findings: list[Json]) -> None:
    for finding in findings:
        print()
        _print(f"{finding['rule']} {finding['verdict']}, {finding['severity']}: {finding['message']}")
        for step in finding["steps"]:
            _print(f"- {step['text']}  [{'; '.join(step['cites'])}]", "  ")
        if finding["assumption"]:
            _print(f"right if {finding['assumption']}", "  ")
        for fix in finding["fixes"]:
            _print(f"fix: {fix}", "  ")


def print_report(report: Json) -> None:
    """A report: the verdict and its sentence, a line for each class, what the rules say."""
    print(f"verdict: {report['verdict']}")
    _print(report["sentence"])
    for one in report["classes"]:
        change = f" ({one['change']})" if one["change"] else ""
        _print(f"{one['after']}{change}: {', '.join(one['members'])}: {one['title']} on {one['platform']}")
    _print_findings(report["findings"])


def print_comparison(found: Json) -> None:
    """What changed from one report to another; what is unchanged is counted alone."""
    print(", ".join(f"{count} {name}" for name, count in found["counts"].items() if count) or "nothing to compare")
    for note in found["notes"]:
        _print(note["message"])
    for row in found["rows"]:
        if row["class"] != "unchanged":
            sides = " -> ".join(side["verdict"] if side else "none" for side in (row["before"], row["after"]))
            what = " ".join(part for part in (row["rule"], row["subject"]) if part)
            _print(f"{row['class']}: {row['guest'] or row['platform']} {what} {sides}".replace("  ", " "))
            if row["why"]:
                _print(row["why"], "  ")


def print_rule(rule: Json) -> None:
    """One rule, with its citations and examples."""
    print(f"{rule['id']}  {rule['title']}")
    _print(f"{rule['about']} Severity: {rule['severity']}. Applies to: {rule['applies_to']}.")
    for cite in rule["cites"]:
        _print(f"- {cite}", "  ")
    for name in ("fires", "silent"):
        _print(f"{name}: {rule[name]}")


def guest_rows(guests: list[Json]) -> list[Sequence[object]]:
    """The known guest kernels as rows of a table: the PAT index of each type, in each mode."""
    rows: list[Sequence[object]] = [("kernel", "as", *(one.word for one in ORDER), "layout", "how", "confidence")]
    for guest in guests:
        for mode in ("pv_dom0", "pv_domu", "native"):
            how = guest[mode]
            if how is not None:
                cells = ("-" if index is None else index for index in how["indices"].values())
                layout = guest["layout"] if mode == "native" else ""
                name = mode.replace("_", " ").replace("native", "hvm, pvh")
                rows.append((guest["title"], name, *cells, layout or "", how["title"], guest["confidence"]))
    return rows


def print_hypervisors(known: Json) -> None:
    """What is known of Xen, a paragraph for each facet."""
    for facet in known["facets"]:
        print(facet["title"])
        for row in facet["rows"]:
            _print(f"{row['since']}: {row['text']}", "  ")
    print("The boot CPU keeps the firmware's layout after a resume from S3")
    for window in known["s3_windows"]:
        last = "its last release" if window["last"] is None else f"{window['series']}.{window['last']}"
        _print(f"{window['series']}.{window['first']} to {last}", "  ")
