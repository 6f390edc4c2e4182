"""Addresses of REST v1."""

from django.urls import path, re_path

from patreview.api import reference, views

app_name = "api"
urlpatterns = [
    path("whoami", views.Whoami.as_view(), name="whoami"),
    path("engine", views.Engine.as_view(), name="engine"),
    path("memory-types", reference.MemoryTypes.as_view(), name="memory-types"),
    path("rules", reference.Rules.as_view(), name="rules"),
    path("rules/<slug:rule_id>", reference.RuleDetail.as_view(), name="rule"),
    path("guest-kernels", reference.GuestKernels.as_view(), name="guest-kernels"),
    path("hypervisors", reference.Hypervisors.as_view(), name="hypervisors"),
    path("projects", views.Projects.as_view(), name="projects"),
    path("projects/<slug:slug>", views.ProjectDetail.as_view(), name="project"),
    path("projects/<slug:slug>/preview", views.Preview.as_view(), name="preview"),
    path("projects/<slug:slug>/submissions", views.Submissions.as_view(), name="submissions"),
    path("submissions/<int:pk>", views.SubmissionDetail.as_view(), name="submission"),
    path("runs/<int:pk>", views.RunDetail.as_view(), name="run"),
    path("runs/<int:pk>/findings", views.RunFindings.as_view(), name="run-findings"),
    path("runs/<int:pk>/report", views.RunReport.as_view(), name="run-report"),
    re_path(r"", views.unknown, name="unknown"),
]
