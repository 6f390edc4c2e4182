"""What requests may say. Unknown fields are refused; domain text is judged by the engine."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import BigIntegerField
from rest_framework import serializers

from patreview import engine
from patreview.analyses.comparison import BadReference, check_reference, read_classes
from patreview.analyses.finding_listing import STATES as FINDING_STATES
from patreview.analyses.finding_listing import Place
from patreview.submissions.queries import KINDS, STATES

T = TypeVar("T")


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it does not name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))[:20]
            if unknown:
                raise serializers.ValidationError(
                    {name[:50]: [f"Unknown field; known: {', '.join(self.fields) or 'none'}."] for name in unknown}
                )
        return super().to_internal_value(data)


class Digits(serializers.IntegerField):
    """A whole number in ASCII digits: Python reads those of every script."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and not data.isascii():
            self.fail("invalid")
        value: int = super().to_internal_value(data)
        return value


class FileIn(Strict):
    role = serializers.ChoiceField(
        choices=[one["role"] for one in engine.formats()] + ["auto"], default="auto", help_text="Found if it is auto."
    )
    name = serializers.CharField(max_length=255)
    text = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="Unless it is a part."
    )
    size = Digits(required=False, min_value=0, help_text="Bytes of the text as UTF-8, to be checked.")
    sha256 = serializers.RegexField(r"\A[0-9a-f]{64}\Z", required=False, help_text="Of the same bytes.")


class SubmissionIn(Strict):
    """A pipeline's one call."""

    kind = serializers.ChoiceField(choices=["layout", "guest"])
    title = serializers.CharField(max_length=100)
    external_key = serializers.CharField(max_length=200, required=False, default="")
    note = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    platform = serializers.CharField(max_length=50, required=False, help_text="Name of the platform, for a layout.")
    layout = serializers.CharField(
        max_length=1 << 20,
        required=False,
        default="",
        trim_whitespace=False,
        help_text="Eight memory types, PA0 first, an IA32_PAT value, a boot-log line, or a patch to Xen's headers.",
    )
    guest = serializers.DictField(required=False, help_text="What is stated of the guest, for a guest.")
    files = serializers.ListField(child=FileIn(), required=False, default=list, max_length=8)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed, foreign = ("platform", "guest") if attrs["kind"] == "layout" else ("guest", "platform")
        if needed not in attrs:
            raise serializers.ValidationError({needed: [f"A {attrs['kind']} needs this."]})
        if foreign in attrs or (attrs["kind"] == "guest" and attrs["layout"]):
            name = foreign if foreign in attrs else "layout"
            raise serializers.ValidationError({name: [f"A {attrs['kind']} does not take this."]})
        return attrs


class VoteIn(Strict):
    """A vote on the current revision, which If-Match names."""

    value = serializers.ChoiceField(choices=["approve", "nits", "comment", "request_changes", "block"])
    body = serializers.CharField(max_length=16384, required=False, default="", allow_blank=True)


class ReasonIn(Strict):
    """Why."""

    reason = serializers.CharField(max_length=500)


class NoteIn(Strict):
    """Why, where somebody cares to say."""

    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class TitleIn(Strict):
    title = serializers.CharField(max_length=100)


class ThreadIn(Strict):
    """The first comment of a thread, or one more of the thread that there is about this thing."""

    body = serializers.CharField(max_length=16384)
    anchor = serializers.ChoiceField(choices=["revision", "finding", "entry", "guest"], default="revision")
    key = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    asks = serializers.BooleanField(default=False)


class CommentIn(Strict):
    body = serializers.CharField(max_length=16384)
    asks = serializers.BooleanField(default=False)


class BodyIn(Strict):
    body = serializers.CharField(max_length=16384)


class ResolutionIn(Strict):
    resolution = serializers.ChoiceField(choices=["fixed", "answered", "wont_fix"])


class WaiverIn(Strict):
    fingerprint = serializers.RegexField(r"\A[0-9a-f]{1,64}\Z")
    reason = serializers.CharField(max_length=16384)
    control = serializers.CharField(max_length=16384, required=False, default="", allow_blank=True)
    expires_on = serializers.CharField(max_length=10, help_text="YYYY-MM-DD, the last day in UTC.")


class DecisionIn(Strict):
    decision = serializers.ChoiceField(choices=["accept", "reject"])
    note = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class NoQuery(Strict):
    """For addresses that take no query."""


class PageQuery(Strict):
    """The query of a list that goes by key: one side of it at a time."""

    limit = Digits(min_value=1, max_value=200, default=50)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "before" in attrs and "after" in attrs:
            raise serializers.ValidationError({"after": ["Give before or after, not both."]})
        return attrs


class NumberedQuery(PageQuery):
    """The query of a list whose rows have numbers."""

    before = Digits(min_value=1, max_value=BigIntegerField.MAX_BIGINT, required=False)
    after = Digits(min_value=0, max_value=BigIntegerField.MAX_BIGINT, required=False)


class ListQuery(NumberedQuery):
    """The query of a list of submissions."""

    state = serializers.ChoiceField(choices=STATES, required=False)
    kind = serializers.ChoiceField(choices=KINDS, required=False)
    verdict = serializers.ChoiceField(choices=engine.VERDICTS, required=False)
    owner = serializers.CharField(max_length=150, required=False)
    platform = serializers.CharField(max_length=50, required=False)
    mine = serializers.ChoiceField(choices=["1"], required=False)
    stale = serializers.ChoiceField(choices=["1"], required=False)


class WaiverQuery(NumberedQuery):
    """The query of a list of waivers."""

    state = serializers.ChoiceField(choices=["proposed", "active", "rejected", "revoked"], required=False)


class RunFindingsQuery(PageQuery):
    """The query of the findings of a run; without a limit, as many as there may be in a page."""

    limit = Digits(min_value=1, max_value=200, default=200)
    after = Digits(min_value=0, max_value=2**31 - 1, required=False, help_text="A position, from 0.")
    verdict = serializers.ChoiceField(choices=engine.VERDICTS, required=False)
    rule = serializers.RegexField(r"\A[A-Z]{3}[0-9]{3}\Z", required=False)
    state = serializers.ChoiceField(choices=FINDING_STATES, required=False)


class PlaceField(serializers.CharField):
    """Where a finding lies in the list of a project, as in 41.7."""

    default_error_messages = {"invalid_place": "Write the place of a finding, as in 41.7."}

    def to_internal_value(self, data: Any) -> Any:
        try:
            return Place.read(super().to_internal_value(data))
        except ValueError:
            self.fail("invalid_place")


class StandingFindingsQuery(PageQuery):
    """The query of the findings that stand in a project."""

    before = PlaceField(max_length=40, required=False)
    after = PlaceField(max_length=40, required=False)
    verdict = serializers.ChoiceField(choices=engine.VERDICTS, required=False)
    rule = serializers.RegexField(r"\A[A-Z]{3}[0-9]{3}\Z", required=False)
    state = serializers.ChoiceField(choices=FINDING_STATES, required=False)
    guest = serializers.CharField(max_length=100, required=False)


class WaitQuery(Strict):
    wait = Digits(min_value=0, max_value=30, default=0)


class CompareQuery(Strict):
    """Two sides, each as in s12r2, s12 or run45, and the classes of rows to answer with."""

    a = serializers.CharField(max_length=100)
    b = serializers.CharField(max_length=100)
    show = serializers.CharField(max_length=200, required=False, allow_blank=True)

    def validate_a(self, text: str) -> str:
        return _understood(check_reference, text)

    def validate_b(self, text: str) -> str:
        return _understood(check_reference, text)

    def validate_show(self, text: str) -> tuple[str, ...]:
        return _understood(read_classes, text)


def _understood(read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except BadReference as exc:
        raise serializers.ValidationError(str(exc)) from exc
