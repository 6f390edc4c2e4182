"""Reports that an older engine stored, in the shape that the pages draw. A stored report is never changed."""

from typing import Any

Json = dict[str, Any]


def as_drawn(report: Json) -> Json:
    """The report, with what engine 0.1 did not say filled in: it had one fix, and took every type for needed."""
    return report | {
        "findings": [_finding(finding) for finding in report["findings"]],
        "classes": [_class(one) for one in report["classes"]],
    }


def _finding(finding: Json) -> Json:
    if "fixes" in finding:
        return finding
    fix = finding.get("fix")
    return finding | {"fixes": [fix] if fix else [], "confidence": "verified", "subject": finding.get("wanted") or ""}


def _class(one: Json) -> Json:
    if "needs" in one:
        return one
    wants = [want | {"needed": ["mmio", "ram"], "refused": None, "mappings": []} for want in one["wants"]]
    return one | {"needs": [], "row": None, "confidence": None, "wants": wants}
