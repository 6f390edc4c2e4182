from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "patreview.projects"
