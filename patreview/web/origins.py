"""Where a layout or a guest came from: a submission that was adopted leads to its page."""

import re
from typing import Any

from django.db.models import BigIntegerField

_SUBMISSION = re.compile(r"submission #([1-9]\d{0,18}) r\d+", re.ASCII)


def origin_of(text: str) -> dict[str, Any]:
    """The text, and the number of the submission that it names or None."""
    match = _SUBMISSION.fullmatch(text)
    number = int(match[1]) if match else 0
    return {"text": text, "submission": number if 0 < number <= BigIntegerField.MAX_BIGINT else None}
