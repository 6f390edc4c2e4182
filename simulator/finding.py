"""What a rule says: verdict, severity, confidence, derivation."""

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import NamedTuple, Protocol

from simulator.canonical_json import digest
from simulator.memory_type import MemoryType


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

SEVERITY_OF = {
    Verdict.COMPATIBLE: Severity.ADVICE,
    Verdict.DEGRADED: Severity.PERFORMANCE,
    Verdict.CONDITIONAL: Severity.CORRECTNESS,
    Verdict.INDETERMINATE: Severity.CORRECTNESS,
    Verdict.INCOMPATIBLE: Severity.CORRECTNESS,
}


class Confidence(StrEnum):
    """How sure a fact is: seen in text or code, computed from such, remembered. It never changes a verdict."""

    VERIFIED = "verified"
    DERIVED = "derived"
    RECALLED = "recalled"


CONFIDENCE_ORDER = tuple(Confidence)


def weakest(confidences: Iterable[str]) -> Confidence:
    """The least sure of some confidences; verified if there are none."""
    return Confidence(max(confidences, key=lambda one: CONFIDENCE_ORDER.index(Confidence(one)), default="verified"))


class Outcome(NamedTuple):
    """What one mapping ends up with at a place: the MTRR type there, the effective types wanted and in force."""

    place: str
    mtrr: MemoryType
    wanted: MemoryType
    in_force: MemoryType
    verdict: Verdict
    why: str
    counts: bool = True  # whether the guest is known to map there

    def as_data(self) -> dict[str, object]:
        """The outcome as JSON-able data."""
        return {
            "context": self.place,
            "mtrr": self.mtrr.word,
            "wanted": self.wanted.word,
            "in_force": self.in_force.word,
            "verdict": self.verdict.word,
            "why": self.why,
            "counts": self.counts,
        }


class Step(NamedTuple):
    """One step of a derivation, from what is known to what follows.

    `kind` is premise, pte, correction, index, pat, mtrr, effective or consequence; `bits` is the PAT index whose
    bits are drawn.
    """

    kind: str
    label: str
    value: str
    why: str
    cites: tuple[str, ...]
    bits: int | None = None
    types: tuple[MemoryType, ...] = ()

    @property
    def text(self) -> str:
        """The step in one line."""
        return f"{self.label}: {self.value}" + (f" ({self.why})" if self.why else "")

    def as_data(self) -> dict[str, object]:
        """The step as JSON-able data."""
        bits = self.bits
        return {
            "kind": self.kind,
            "label": self.label,
            "value": self.value,
            "why": self.why,
            "text": self.text,
            "cites": list(self.cites),
            "bits": None if bits is None else {"pat": bits >> 2, "pcd": bits >> 1 & 1, "pwt": bits & 1},
            "types": [memory_type.word for memory_type in self.types] or None,
        }


class Class(Protocol):
    """The class of guests that a finding is about: its key is a digest, made where a report needs it."""

    identity: str

    @property
    def key(self) -> str: ...


class Finding(NamedTuple):
    """One statement, by one rule.

    `subject` says what it is about, as in `WC on ram`; with rule, platform and class it tells findings apart.
    A conditional finding has an assumption for a person to acknowledge. `headline` is the report's sentence where
    the finding is the worst one, with `{who}` where `who` goes. `message` begins with whom it is about.
    """

    rule: str
    verdict: Verdict
    subject: str
    title: str
    message: str
    steps: tuple[Step, ...]
    severity: Severity = Severity.ADVICE
    confidence: Confidence = Confidence.VERIFIED
    fixes: tuple[str, ...] = ()
    headline: str = ""
    who: str = ""
    assumption: str | None = None
    platform: str = ""
    guest_class: Class | None = None
    guests: tuple[str, ...] = ()
    entry: int | None = None
    wanted: MemoryType | None = None
    in_force: MemoryType | None = None
    outcomes: tuple[Outcome, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Which statement this is, over runs: not what it says today. 16 hex digits."""
        return digest("finding", [self.rule, self.platform, self.class_key, self.subject])[:16]

    @property
    def class_key(self) -> str | None:
        """What tells the class from others, over runs."""
        return self.guest_class.key if self.guest_class else None

    def as_said(self) -> dict[str, object]:
        """The finding as one guest's: what `explain` prints."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "verdict": self.verdict.word,
            "confidence": self.confidence.value,
            "subject": self.subject,
            "message": self.message,
            "assumption": self.assumption,
            "steps": [{"text": step.text, "cites": list(step.cites)} for step in self.steps],
            "fixes": list(self.fixes),
        }

    def as_data(self, *, rule_title: str, state: str | None) -> dict[str, object]:
        """The finding as a report holds it, with its state against the layout in force."""
        return self.as_said() | {
            "fingerprint": self.fingerprint,
            "rule_title": rule_title,
            "state": state,
            "platform": self.platform,
            "class": self.class_key,
            "guests": list(self.guests),
            "entry": self.entry,
            "wanted": None if self.wanted is None else self.wanted.word,
            "in_force": None if self.in_force is None else self.in_force.word,
            "title": self.title,
            "outcomes": [outcome.as_data() for outcome in self.outcomes],
            "steps": [step.as_data() for step in self.steps],
        }
