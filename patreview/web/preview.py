"""What a proposal would be taken for, before it is sent: recognised, unknown, missing."""

from __future__ import annotations

from typing import Any

from patreview import engine
from patreview.web import facts

Json = dict[str, Any]


def context(content: Json) -> Json:
    """The facts and files as on the page of a submission, and what is missing with what it would decide."""
    missing = engine.account(content["guest"])["missing"] if "guest" in content else []
    return facts.context_of(content) | {"missing": missing}
