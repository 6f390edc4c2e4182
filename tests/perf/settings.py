"""The product's settings with the floor beside it, which shares nothing of them but the database."""

from pathlib import Path

from patreview.settings import *  # noqa: F403
from patreview.settings import INSTALLED_APPS, TEMPLATES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.perf.apps.FloorConfig"]
TEMPLATES = [
    *TEMPLATES,
    {
        "NAME": "floor",
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).with_name("templates")],
    },
]
