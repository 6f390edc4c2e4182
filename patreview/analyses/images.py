"""Images of a revision: read by a child process of the worker, once; what was read is kept by the image's sha256."""

from typing import Any

import structlog
from django.conf import settings

from patreview import engine
from patreview.analyses.models import ImageReading
from patreview.submissions.models import Artifact, Revision

ANY_NAME = "the image"
log = structlog.get_logger("patreview.images")
#: What came of a lack of time or memory, or of a defect: another attempt may end otherwise.
_PASSING = frozenset({"image_too_hard", "image_fault"})


def images_of(revision: Revision) -> list[Artifact]:
    """The revision's images, without their bytes."""
    return [one for one in revision.artifacts.order_by("role") if engine.is_image(one.role)]


def readings_of(revision: Revision) -> dict[str, dict[str, Any]]:
    """What is kept of the revision's images, by role; an image that was not read yet is not there."""
    images = images_of(revision)
    if not images:
        return {}
    digests = [one.sha256 for one in images]
    kept = ImageReading.objects.filter(sha256__in=digests, engine_version=engine.ENGINE_VERSION)
    results = {one.sha256: one.result for one in kept}
    return {one.role: results[one.sha256] for one in images if one.sha256 in results}


def read_images(revision: Revision) -> None:
    """Read what was not read yet, and again what failed for a passing reason."""
    for image in images_of(revision):
        final = ImageReading.objects.filter(sha256=image.sha256, engine_version=engine.ENGINE_VERSION, is_final=True)
        if not final.exists():
            _read(image)


def _read(image: Artifact) -> None:
    body = bytes(Artifact.objects.values_list("blob__body", flat=True).get(pk=image.pk))
    # Without its name: the same bytes may be another project's under another name.
    result = engine.read_image(ANY_NAME, body, wall_s=settings.IMAGE_WALL_S)
    codes = {problem["code"] for problem in result.get("problems", [])}
    if codes:
        log.info("image not read", sha256=image.sha256, codes=sorted(codes))
    ImageReading.objects.update_or_create(
        sha256=image.sha256,
        engine_version=engine.ENGINE_VERSION,
        defaults={"result": result, "is_final": not codes & _PASSING},
    )


def last_isolation() -> dict[str, Any] | None:
    """How the last image was read: whether the child had a network; None where none was read yet."""
    last = ImageReading.objects.order_by("-read_at").first()
    isolation: dict[str, Any] | None = last.result.get("isolation") if last else None
    return isolation
