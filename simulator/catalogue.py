"""The engine's version, its rules and tables as data, and the digest of all that its answers rest on."""

from functools import cache

from simulator import boot, citations, driver, effective, errata, guest, hypervisor, pair, stage2
from simulator.canonical_json import digest
from simulator.memory_type import LIBERTIES, ORDER, SERVICES, Property
from simulator.pat import LEAVES, NAMED_LAYOUTS
from simulator.rules import RULES

ENGINE_VERSION = "0.2.0"

Data = dict[str, object]

#: The groups of rules, by the first three letters of their ids.
GROUPS = {
    "LAY": "a layout, whoever runs under it",
    "XEN": "what of Xen rests on its layout, and what it does to guests",
    "ENC": "what guests write into their page tables, and what it means",
    "EFF": "what the MTRRs make of it",
    "DRV": "what drivers need and insist on",
    "MIG": "guests that were saved under one layout and go on under another",
    "EVI": "what the inputs prove, leave open, or contradict",
    "SCH": "schemes in which a guest sets the system's layout",
}


def rules_as_data() -> list[Data]:
    """The rules as JSON-able data, with their examples."""
    return [
        {
            "id": rule.id,
            "group": GROUPS[rule.id[:3]],
            "title": rule.title,
            "severity": rule.severity.value,
            "applies_to": rule.applicability,
            "cites": list(rule.cites),
            "about": (rule.check.__doc__ or "").strip().split("\n")[0],
            "fires": rule.fires,
            "silent": rule.silent,
        }
        for rule in RULES
    ]


def guests_as_data() -> list[Data]:
    """What is known of guest kernels: a row for each family and range of releases."""
    return [
        {
            "family": row.family,
            "title": row.title,
            "pv_dom0": _behaviour(row.dom0),
            "pv_domu": _behaviour(row.domu),
            "native": _behaviour(row.native),
            "layout": row.layout or None,
            "errata_layout": row.errata or None,
            "confidence": row.confidence,
        }
        for row in guest.ROWS
        if row.family != "stated"
    ]


def _behaviour(behaviour: guest.Behaviour | None) -> Data | None:
    if behaviour is None:
        return None
    cells = (behaviour.indices.get(wanted) for wanted in ORDER)
    return {
        "title": behaviour.title,
        "reads_layout": behaviour.reads,
        "indices": {
            wanted.word: "?" if index == guest.UNKNOWN else index for wanted, index in zip(ORDER, cells, strict=True)
        },
        "cites": [behaviour.cite],
    }


def losses_as_data() -> list[Data]:
    """Which Linux releases lose the PAT bit: patches up to `without`; None where no release of the series has a fix."""
    return [
        {
            "first": _dotted(row.first),
            "last": _dotted(row.last),
            "without": row.without,
            "fixed": row.fixed,
            "confidence": row.confidence,
            "cites": [citations.LINUX_PAT_BIT_LOSS, citations.LINUX_STABLE],
        }
        for row in guest.LOSS_ROWS
    ]


def _dotted(series: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in series)


def hypervisors_as_data() -> Data:
    """What is known of Xen, by release."""
    return {
        "facets": hypervisor.facets_as_data(),
        "s3_windows": hypervisor.windows_as_data(),
        "ept_rules": [
            {
                "number": rule.number,
                "condition": rule.condition,
                "emt": rule.emt,
                "ipat": rule.ipat,
                "cites": [rule.cite],
            }
            for rule in stage2.EMT_RULES
        ],
        "layouts": layouts_as_data(),
    }


def layouts_as_data() -> list[Data]:
    """The layouts that processors, Xen and kernels are known to use."""
    return [
        {
            "key": named.key,
            "title": named.title,
            "msr": named.layout.hex,
            "entries": named.layout.words,
            "origin": named.origin,
            "confidence": named.confidence,
        }
        for named in NAMED_LAYOUTS
    ]


def drivers_as_data() -> list[Data]:
    """What drivers map, and what they insist on."""
    constraints = {one.driver: one for one in driver.CONSTRAINTS}
    return [
        {
            "driver": one.key,
            "title": one.title,
            "symbols": list(one.symbols),
            "wants": [f"{wanted.word}@{target}" for wanted, target in one.wants],
            "possible": [f"{wanted.word}@{target}" for wanted, target in one.possible],
            "how": one.how,
            "constraints": [
                {
                    "versions": constraint.versions,
                    "condition": constraint.condition,
                    "effect": constraint.effect,
                    "cites": list(constraint.cites),
                }
                for constraint in driver.CONSTRAINTS
                if constraint.driver == one.key
            ]
            if one.key in constraints
            else [],
            "cites": [one.cite],
        }
        for one in driver.DRIVERS
    ]


def _properties(rows: tuple[Property, ...]) -> list[Data]:
    return [
        {
            "key": row.key,
            "title": row.title,
            "types": [memory_type.word for memory_type in ORDER if row.holds(memory_type)],
            "cites": [row.cite],
            "confidence": row.confidence,
        }
        for row in rows
    ]


def memory_types_as_data() -> Data:
    """The hardware: properties of the types, effective types by vendor, the pair table, the bits of entries."""
    return {
        "order": [memory_type.word for memory_type in ORDER],
        "liberties": _properties(LIBERTIES),
        "services": _properties(SERVICES),
        "harms": [
            {"liberty": liberty, "context": context.value, "verdict": verdict.word}
            for (liberty, context), verdict in pair.HARMS.items()
        ],
        "pairs": [
            {
                "context": cell.context.value,
                "wanted": cell.wanted.word,
                "in_force": cell.in_force.word,
                "verdict": cell.verdict.word,
                "consequence": cell.consequence,
                "properties": list(cell.properties),
                "cites": list(cell.cites),
            }
            for cell in pair.table()
        ],
        "effective": {
            vendor.value: effective.grid(vendor) for vendor in (effective.Vendor.INTEL, effective.Vendor.AMD)
        },
        "notes": {
            vendor.value: list(effective.notes(vendor)) for vendor in (effective.Vendor.INTEL, effective.Vendor.AMD)
        },
        "disputed": [
            {"mtrr": cell.mtrr.word, "pat": cell.pat.word, "said": dict(cell.said)} for cell in effective.DISPUTED
        ],
        "conditions": [
            {"vendor": one.vendor.value, "when": one.when, "effect": one.effect, "cites": [one.source]}
            for one in effective.conditions()
        ],
        "specification_updates": [{"name": name, "says": says} for name, says in errata.SPECIFICATION_UPDATES],
        "errata": [
            {
                "family": row.family,
                "first_model": row.first_model,
                "last_model": row.last_model,
                "names": row.names,
                "by": row.by,
                "cites": [row.cite],
            }
            for row in errata.ERRATA_ROWS
        ],
        "leaves": [
            {"title": leaf.title, "page_bytes": leaf.page_bytes, "pwt": leaf.pwt, "pcd": leaf.pcd, "pat": leaf.pat}
            for leaf in LEAVES
        ],
    }


@cache
def rules_digest() -> str:
    """`sha256:` and the digest of the rules and of every table that they read."""
    tables = {
        "rules": rules_as_data(),
        "guests": guests_as_data(),
        "losses": losses_as_data(),
        "hypervisors": hypervisors_as_data(),
        "drivers": drivers_as_data(),
        "hardware": memory_types_as_data(),
        "boot": [[list(need[:3]), *map(_numbers, need[3:])] for need in (*boot.LINUX_NEEDS, *boot.XENLINUX_NEEDS)],
    }
    return f"sha256:{digest('rules', tables)}"


def _numbers(series: tuple[int, ...] | None) -> list[int] | None:
    return None if series is None else list(series)
