"""Plain text of at most 72 columns: paragraphs, quotations, and a report as a table with its findings."""

import re
from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any

Json = dict[str, Any]
WIDTH = 72
FINDINGS_MAX = 10
GUESTS_MAX = 20
NAMES_MAX = 3
_RELIED_WIDTH = 24
_ROW = "{:<3}  {:<11}  {:<6}  {:<5}  {:<24}  {}"


def one_line(text: object) -> str:
    """Any text as one line without control characters: no header and no line of a table can be broken by it."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())


def paragraph(text: object, *, indent: str = "", hang: str = "") -> str:
    """One paragraph, wrapped; words that are longer than a line are broken, addresses are not."""
    line = one_line(text)
    is_broken = not re.search(r"https?://", line)
    lines = wrap(
        line, WIDTH, initial_indent=indent, subsequent_indent=indent + hang, break_long_words=is_broken,
        break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(lines)


def quoted(text: str) -> str:
    """What a person wrote, as it was written, marked in every line: nobody writes in our name."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def layout_table(platform: Json) -> str:
    """PA0 to PA7 of one platform of a report: bits, type before and after, who relies on it, what comes of it."""
    rows = [_ROW.format("", "PAT PCD PWT", "before", "after", "who relies on it", "outcome")]
    for entry in platform["entries"]:
        bits = "   ".join(str(entry["bits"][name]) for name in ("pat", "pcd", "pwt"))
        users = _users(entry["relied_on"])
        outcome = entry["verdict"] or "-"
        rows.append(_ROW.format(entry["name"], f" {bits}", entry["before"], entry["after"] or "-", users[0], outcome))
        rows += [_ROW.format("", "", "", "", more, "") for more in users[1:]]
    return "\n".join(row.rstrip() for row in rows)


def _users(relied_on: Iterable[Json]) -> list[str]:
    """Who relies on an entry, for what: lines that fit the column."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in relied_on:
        groups.setdefault((one["when"], one["wants"], one["how"]), []).extend(one["members"])
    lines = []
    for (when, wants, how), names in sorted(groups.items(), key=lambda item: (item[0][0] == "before", item[0])):
        past, fixed = ("until now " if when == "before" else ""), (" by index" if how == "index" else "")
        lines += wrap(
            f"{past}{wants}{fixed}: {_named(names)}", _RELIED_WIDTH, subsequent_indent="  ", break_on_hyphens=False
        )
    return lines or ["nobody"]


def _named(names: Iterable[str]) -> str:
    known = [one_line(name) for name in dict.fromkeys(names)]
    more = len(known) - NAMES_MAX
    return ", ".join(known) if more <= 0 else f"{', '.join(known[:NAMES_MAX])} and {more} more"


def guest_lines(report: Json) -> str:
    """A line for each class of guests: what is said of it, who it is, and on what."""
    lines = [
        paragraph(
            f"{one['after']}{_change(one)}: {_named(one['members'])} on {one['platform']} ({one['title']})", hang="  "
        )
        for one in report["classes"][:GUESTS_MAX]
    ]
    more = len(report["classes"]) - GUESTS_MAX
    return "\n".join([*lines, f"and {more} more kinds of guests"] if more > 0 else lines)


def _change(one: Json) -> str:
    return f" ({one['change']})" if one.get("change") else ""


def tally_line(report: Json) -> str:
    """How many guests have each verdict, and had before."""
    after, before = (report["tally"][moment] for moment in ("after", "before"))
    return paragraph(f"Guests: {_counts(after)}{f'; before: {_counts(before)}' if before else ''}.", hang="  ")


def _counts(tally: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in tally.items() if count) or "none"


def finding_lines(report: Json, waived: Mapping[str, str]) -> str:
    """The worst findings, as the engine ordered them; `waived` says of a fingerprint what lets it pass, until when."""
    findings = [one for one in report["findings"] if one["state"] != "fixed"]
    lines = []
    for finding in findings[:FINDINGS_MAX]:
        whose = f" ({_named(finding['guests'])})" if finding["guests"] else ""
        lines.append(paragraph(f"- {finding['verdict']} {finding['rule']}: {finding['title']}{whose}", hang="  "))
        if finding["fingerprint"] in waived:
            lines.append(paragraph(f"waived until {waived[finding['fingerprint']]}", indent="  "))
    more = len(findings) - FINDINGS_MAX
    return "\n".join([*lines, f"and {more} more" if more > 1 else "and 1 more"] if more > 0 else lines)


def report_text(report: Json, waived: Mapping[str, str]) -> list[str]:
    """A report as paragraphs: verdict and sentence, a table for each proposed layout or lines of guests, findings."""
    parts = [f"Verdict: {report['verdict'].upper()}\n{paragraph(report['sentence'])}"]
    for platform in report["platforms"]:
        if platform["after"]:
            title = paragraph(f"{platform['name']} ({platform['hypervisor']})")
            parts.append(f"{title}\n\n{layout_table(platform)}")
    parts.append(tally_line(report) if report["kind"] == "layout" else guest_lines(report))
    findings = finding_lines(report, waived)
    return [*parts, f"Findings, worst first:\n{findings}"] if findings else [*parts, "No finding."]
