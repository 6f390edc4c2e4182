"""What a rule says: verdict, severity, outcomes, derivation."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from simulator.canonical import digest
from simulator.memory_type import MemoryType
from simulator.pat import PteCacheBits


class Verdict(IntEnum):
    """What the engine says of a guest or a layout; a larger value is worse."""

    COMPATIBLE = 0
    DEGRADED = 1
    CONDITIONAL = 2
    INDETERMINATE = 3
    INCOMPATIBLE = 4

    @property
    def word(self) -> str:
        """The verdict as reports print it."""
        return self.name.lower()


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; compatible if there are none."""
    return max(verdicts, default=Verdict.COMPATIBLE)


class Severity(StrEnum):
    """What is at stake, gravest first."""

    CORRECTNESS = "correctness"
    FUNCTION = "function"
    PERFORMANCE = "performance"
    ADVICE = "advice"


SEVERITY_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one mapping ends up with: a context, the effective types wanted and in force."""

    context: str
    mtrr: MemoryType
    wanted: MemoryType
    in_force: MemoryType
    verdict: Verdict
    why: str
    assumption: str | None = None

    @property
    def is_ram(self) -> bool:
        """Whether it is an outcome in RAM, which MTRRs leave WB."""
        return self.mtrr is MemoryType.WB

    @property
    def clause(self) -> str:
        """The outcome as the last clause of a sentence."""
        verb = "this is " if self.why.startswith(("correct", "coherent")) else ""
        return f"on {self.context}, {verb}{self.why}"

    def as_data(self) -> dict[str, object]:
        """The outcome as JSON-able data."""
        return {
            "context": self.context,
            "mtrr": self.mtrr.word,
            "wanted": self.wanted.word,
            "in_force": self.in_force.word,
            "verdict": self.verdict.word,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a derivation, from what is known to what follows."""

    kind: str  # premise, pte, index, pat, mtrr, correction, effective, consequence
    label: str
    value: str
    why: str
    cites: tuple[str, ...] = ()
    bits: PteCacheBits | None = None
    types: tuple[MemoryType, ...] | None = None

    def as_data(self) -> dict[str, object]:
        """The step as JSON-able data."""
        return {
            "kind": self.kind,
            "label": self.label,
            "value": self.value,
            "why": self.why,
            "cites": list(self.cites),
            "bits": None if self.bits is None else self.bits.as_data(),
            "types": None if self.types is None else [memory_type.word for memory_type in self.types],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One statement of a report, by one rule.

    `subject` tells apart findings of a rule that agree in all other identifying
    fields. A conditional finding has an assumption for a person to acknowledge.
    `headline` is the report's sentence where the finding is the worst one, with
    `{who}` where `who` goes.
    """

    rule: str
    verdict: Verdict
    severity: Severity
    platform: str
    title: str
    message: str
    guest_class: str | None = None
    guests: tuple[str, ...] = ()
    entry: int | None = None
    wanted: MemoryType | None = None
    in_force: MemoryType | None = None
    fix: str | None = None
    assumption: str | None = None
    outcomes: tuple[Outcome, ...] = ()
    steps: tuple[Step, ...] = ()
    subject: str = ""
    who: str = ""
    headline: str = ""

    @property
    def fingerprint(self) -> str:
        """Which statement this is, over runs: not what it says today. 16 hex digits."""
        wanted = None if self.wanted is None else self.wanted.word
        return digest("finding", [self.rule, self.platform, self.guest_class, wanted, self.subject])[:16]

    def as_data(self, *, rule_title: str, state: str | None) -> dict[str, object]:
        """The finding as JSON-able data, with its state against the layout in force."""
        return {
            "fingerprint": self.fingerprint,
            "rule": self.rule,
            "rule_title": rule_title,
            "verdict": self.verdict.word,
            "severity": self.severity.value,
            "state": state,
            "platform": self.platform,
            "class": self.guest_class,
            "guests": list(self.guests),
            "entry": self.entry,
            "wanted": None if self.wanted is None else self.wanted.word,
            "in_force": None if self.in_force is None else self.in_force.word,
            "title": self.title,
            "message": self.message,
            "fix": self.fix,
            "assumption": self.assumption,
            "outcomes": [outcome.as_data() for outcome in self.outcomes],
            "steps": [step.as_data() for step in self.steps],
        }
