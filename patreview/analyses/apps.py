from django.apps import AppConfig


class AnalysesConfig(AppConfig):
    name = "patreview.analyses"

    def ready(self) -> None:
        from patreview.analyses import checks  # noqa: F401  registers the system checks
