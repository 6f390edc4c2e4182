"""The floor as an app of Django's."""

from django.apps import AppConfig


class FloorConfig(AppConfig):
    name = "tests.perf"
    label = "floor"
