"""EVI: what the files that were sent prove, contradict or leave unread."""

from collections.abc import Iterator

from simulator import citations
from simulator.case import ClassJudgement
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.rules.rule import Data, Rule, View, consequence, example, needs_guests


def _say(
    judged: ClassJudgement,
    rule: str,
    verdict: Verdict,
    severity: Severity,
    subject: str,
    *,
    title: str,
    says: str,
    cites: tuple[str, ...],
    fixes: tuple[str, ...],
    headline: str = "",
) -> Finding:
    """A finding about the evidence of a class; `says` follows the class and a colon."""
    one = judged.guest_class
    premise = Step("premise", "Evidence", one.title, says, cites)
    return Finding(
        rule=rule,
        verdict=verdict,
        subject=subject,
        title=title,
        message=f"{one.subject}: {says}.",
        steps=(premise, consequence(verdict, title, cites)),
        severity=severity,
        fixes=fixes,
        headline=f"{{who}}: {headline or says}",
        who=one.who,
        platform=one.platform,
        guest_class=one,
        guests=tuple(one.members),
    )


def contradictions(view: View) -> Iterator[Finding]:
    """Evidence that contradicts other evidence, or what a person states: none of it is picked."""
    for judged in view.judged:
        found = judged.guest_class.facts.contradictions
        if found:
            yield _say(
                judged,
                "EVI090",
                Verdict.INDETERMINATE,
                Severity.CORRECTNESS,
                "evidence",
                title="The evidence contradicts itself",
                says="; ".join(found),
                cites=(citations.SENT_FILES,),
                fixes=("send the files of one boot of one kernel, or correct what is stated",),
                headline=found[0],
            )


def several_boots(view: View) -> Iterator[Finding]:
    """A log of several boots: where they agree nothing is lost, and it is said."""
    for judged in view.judged:
        facts = judged.guest_class.facts
        if facts.boots and not facts.contradictions:
            yield _say(
                judged,
                "EVI100",
                Verdict.COMPATIBLE,
                Severity.ADVICE,
                "boots",
                title="The log holds several boots",
                says=f"the log holds {facts.boots}; they agree on everything that counts here",
                cites=(citations.SENT_FILES,),
                fixes=("send the log of the boot that is meant (journalctl -k -b, or dmesg)",),
            )


def refused_mappings(view: View) -> Iterator[Finding]:
    """The kernel's own tracker refused or changed a mapping: a device went without, whatever the layout."""
    for judged in view.judged:
        refused = judged.guest_class.facts.refused
        if refused:
            first = refused[0]
            types = f" ({first.wanted} wanted, {first.got} given)" if first.wanted and first.got else ""
            more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
            yield _say(
                judged,
                "EVI110",
                Verdict.DEGRADED,
                Severity.FUNCTION,
                "tracker",
                title="The kernel refused mappings of conflicting types",
                says=f"its boot log shows {first.what}{types} at {first.place}{more}: two drivers map the same memory "
                "with different types; no layout changes that",
                cites=(citations.LINUX_MEMTYPE, citations.SDM_ALIASES),
                fixes=("mend the driver that asks for the other type",),
            )


def unread_images(view: View) -> Iterator[Finding]:
    """An image that could not be read proves nothing."""
    for judged in view.judged:
        why = judged.guest_class.facts.unreadable
        if why:
            yield _say(
                judged,
                "EVI120",
                Verdict.INDETERMINATE,
                Severity.CORRECTNESS,
                "image",
                title="An image could not be read",
                says=f"the image that was sent could not be read: {why}",
                cites=(citations.SENT_FILES,),
                fixes=("send the image that boots, as it lies in /boot",),
            )


def dom0_by_note_alone(view: View) -> Iterator[Finding]:
    """The note of an image claims dom0 where its .config has none: seen in Debian's cloud kernels of 6.1."""
    for judged in view.judged:
        facts = judged.guest_class.facts
        claims = facts.image is not None and "dom0" in facts.image.abilities and facts.image.abilities["dom0"].able
        if claims and facts.config.is_off("CONFIG_XEN_DOM0"):
            yield _say(
                judged,
                "EVI130",
                Verdict.COMPATIBLE,
                Severity.ADVICE,
                "dom0",
                title="The image claims dom0, and its .config has none",
                says=f"the image's ELF note says that it can be a dom0, but {facts.config.where('CONFIG_XEN_DOM0')}: "
                "the .config counts",
                cites=(citations.XEN_LIBELF, citations.LINUX_KCONFIG),
                fixes=("build with CONFIG_XEN_DOM0 where this kernel is to be a dom0",),
            )


def _facts(**facts: object) -> Data:
    """A guest of an example by its facts, each from a file."""
    origin = {"kind": "file", "by": None, "source": "dmesg.txt", "line": 7}
    known: Data = {"family": "linux", "release": "6.12.117", "mode": "pv", "role": "dom0", "devices": True}
    said = {key: {"value": value, "origin": origin} for key, value in (known | facts).items()}
    return {"name": "guest-1", "facts": said}


def _contradicted() -> Data:
    guest = _facts()
    other = {"value": "pvh", "origin": {"kind": "file", "by": None, "source": "dom.cfg", "line": 2}}
    guest["facts"]["mode"]["also"] = [other]  # type: ignore[index]
    return guest


_REFUSED = {"kind": "conflicting memory types", "start": None, "end": None, "wanted": "UC-", "got": "WB", "who": "X"}
_CLAIM = {"abilities": {"dom0": {"able": True, "why": ""}}}
_NO_DOM0: Data = {
    "value": {"CONFIG_XEN_DOM0": "n"},
    "origin": {"kind": "file", "by": None, "source": "a", "line": None},
}


def _cloud(symbol: str) -> Data:
    guest = _facts(image=_CLAIM, role="domU")
    origin = {"kind": "file", "by": None, "source": "dom.config", "line": None}
    guest["facts"]["config"] = {"value": {"CONFIG_XEN_DOM0": symbol}, "origin": origin}  # type: ignore[index]
    return guest


RULES = (
    Rule("EVI090", "The evidence agrees with itself", Severity.CORRECTNESS, "guests with evidence",
         (citations.SENT_FILES,), "platform", contradictions, needs_guests,
         fires=example(_contradicted()), silent=example(_facts())),
    Rule("EVI100", "A log holds one boot", Severity.ADVICE, "guests with a boot log", (citations.SENT_FILES,),
         "platform", several_boots, needs_guests, fires=example(_facts(boots=2)), silent=example(_facts())),
    Rule("EVI110", "The kernel refused no mapping", Severity.FUNCTION, "guests with a boot log",
         (citations.LINUX_MEMTYPE, citations.SDM_ALIASES), "platform", refused_mappings, needs_guests,
         fires=example(_facts(conflicts=[_REFUSED])), silent=example(_facts())),
    Rule("EVI120", "Every image could be read", Severity.CORRECTNESS, "guests with an image", (citations.SENT_FILES,),
         "platform", unread_images, needs_guests,
         fires=example(_facts(unreadable="an ELF header that ends early")), silent=example(_facts())),
    Rule("EVI130", "An image's note and its .config agree on dom0", Severity.ADVICE,
         "guests with an image and a .config", (citations.XEN_LIBELF, citations.LINUX_KCONFIG), "platform",
         dom0_by_note_alone, needs_guests,
         fires=example(_cloud("n")), silent=example(_cloud("y"))),
)  # fmt: skip
