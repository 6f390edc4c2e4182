"""Addresses of the pages."""

from django.urls import path

from patreview.web import decisions, home, projects, reference, sessions, status, submission_list, submissions, submit

app_name = "web"
urlpatterns = [
    path("", home.home, name="home"),
    path("login/", sessions.log_in, name="login"),
    path("logout/", sessions.log_out, name="logout"),
    path("memory-types/", reference.memory_types, name="memory-types"),
    path("kernels/", reference.kernels, name="kernels"),
    path("hypervisors/", reference.hypervisors, name="hypervisors"),
    path("status/", status.status, name="status"),
    path("rules/", reference.rules, name="rules"),
    path("rules/<slug:rule_id>/", reference.rule, name="rule"),
    path("p/<slug:slug>/", projects.project, name="project"),
    path("p/<slug:slug>/submissions/", submission_list.submissions, name="submissions"),
    path("p/<slug:slug>/submit/", submit.submit, name="submit"),
    path("s/<int:pk>/", submissions.submission, name="submission"),
    path("s/<int:pk>/r<int:number>/", submissions.revision, name="revision"),
    path("s/<int:pk>/progress/", submissions.progress, name="progress"),
    path("s/<int:pk>/revise/", submit.revise, name="revise"),
    path("s/<int:pk>/comment/", decisions.comment, name="comment"),
    path("s/<int:pk>/vote/", decisions.vote, name="vote"),
    path("s/<int:pk>/adopt/", decisions.adopt, name="adopt"),
    path("s/<int:pk>/rerun/", decisions.rerun, name="rerun"),
    path("s/<int:pk>/withdraw/", decisions.withdraw, name="withdraw"),
]
