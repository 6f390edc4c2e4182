"""The Django app of the pages; it has no models."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Templates, static files and views."""

    name = "patreview.web"
    label = "web"
