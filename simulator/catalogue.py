"""The engine's version and the digest of all that its answers rest on."""

from functools import cache

from simulator import boot, consequence, effective, guest, hypervisor
from simulator.canonical import digest
from simulator.pat import NAMED_LAYOUTS
from simulator.rules import RULES

ENGINE_VERSION = "0.1.0"


def rules_as_data() -> list[dict[str, object]]:
    """The rules as JSON-able data: id, title, severity, citations."""
    return [
        {"id": rule.id, "title": rule.title, "severity": rule.severity.value, "cites": list(rule.cites)}
        for rule in RULES
    ]


@cache
def rules_digest() -> str:
    """`sha256:` and the digest of the rules and of every table that they read."""
    tables = {
        "rules": rules_as_data(),
        "consequence": consequence.tables_as_data(),
        "intel": {mtrr.word: row.split() for mtrr, row in effective.INTEL_ROWS.items()},
        "amd": {mtrr.word: row.split() for mtrr, row in effective.AMD_ROWS.items()},
        "boot": boot.tables_as_data(),
        "guest": guest.tables_as_data(),
        "hypervisor": hypervisor.tables_as_data(),
        "layouts": {named.key: named.layout.hex for named in NAMED_LAYOUTS},
    }
    return f"sha256:{digest('rules', tables)}"
