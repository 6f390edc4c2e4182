"""Addresses of REST v1."""

from django.urls import path, re_path

from patreview.api import audit, catalogue, compare, findings, people, reference, reviews, views

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
    path("projects/<slug:slug>/audit", audit.Audit.as_view(), name="audit"),
    path("projects/<slug:slug>/findings", findings.ProjectFindings.as_view(), name="findings"),
    # what is in service
    path("projects/<slug:slug>/platforms", catalogue.Platforms.as_view(), name="platforms"),
    path("projects/<slug:slug>/platforms/<str:name>", catalogue.PlatformDetail.as_view(), name="platform"),
    path(
        "projects/<slug:slug>/platforms/<str:name>/retirement",
        catalogue.PlatformRetirement.as_view(),
        name="platform-retirement",
    ),
    path("projects/<slug:slug>/layouts", catalogue.Layouts.as_view(), name="layouts"),
    path("projects/<slug:slug>/layouts/<str:msr>", catalogue.LayoutDetail.as_view(), name="layout"),
    path("projects/<slug:slug>/guests", catalogue.Guests.as_view(), name="guests"),
    path("projects/<slug:slug>/guests/<int:pk>", catalogue.GuestDetail.as_view(), name="guest"),
    path(
        "projects/<slug:slug>/guests/<int:pk>/retirement", catalogue.GuestRetirement.as_view(), name="guest-retirement"
    ),
    path("projects/<slug:slug>/guest-classes", catalogue.GuestClasses.as_view(), name="guest-classes"),
    path("submissions/<int:pk>", views.SubmissionDetail.as_view(), name="submission"),
    path("runs/<int:pk>", views.RunDetail.as_view(), name="run"),
    path("runs/<int:pk>/findings", findings.RunFindings.as_view(), name="run-findings"),
    path("runs/<int:pk>/report", views.RunReport.as_view(), name="run-report"),
    path("submissions/<int:pk>/gate", reviews.GateDetail.as_view(), name="gate"),
    path("submissions/<int:pk>/votes", reviews.Votes.as_view(), name="votes"),
    path("submissions/<int:pk>/votes/<int:vote_id>", reviews.VoteDetail.as_view(), name="vote"),
    path("submissions/<int:pk>/votes/<int:vote_id>/dismissal", reviews.Dismissal.as_view(), name="dismissal"),
    path("submissions/<int:pk>/adoption", reviews.Adoption.as_view(), name="adoption"),
    path("submissions/<int:pk>/withdrawal", reviews.Withdrawal.as_view(), name="withdrawal"),
    path("submissions/<int:pk>/runs", reviews.Runs.as_view(), name="submission-runs"),
    path("submissions/<int:pk>/threads", reviews.Threads.as_view(), name="threads"),
    path("submissions/<int:pk>/waivers", reviews.SubmissionWaivers.as_view(), name="submission-waivers"),
    path("runs/<int:pk>/cancellation", reviews.Cancellation.as_view(), name="cancellation"),
    path("threads/<int:pk>/comments", reviews.Comments.as_view(), name="comments"),
    path("threads/<int:pk>/resolution", reviews.Resolution.as_view(), name="resolution"),
    path("comments/<int:pk>", reviews.CommentDetail.as_view(), name="comment"),
    path("comments/<int:pk>/hiding", reviews.Hiding.as_view(), name="hiding"),
    path("projects/<slug:slug>/waivers", reviews.ProjectWaivers.as_view(), name="waivers"),
    path("waivers/<int:pk>", reviews.WaiverDetail.as_view(), name="waiver"),
    path("waivers/<int:pk>/decision", reviews.WaiverDecision.as_view(), name="waiver-decision"),
    path("waivers/<int:pk>/revocation", reviews.WaiverRevocation.as_view(), name="waiver-revocation"),
    path("compare", compare.Compare.as_view(), name="compare"),
    # people
    path("projects/<slug:slug>/members", people.Members.as_view(), name="members"),
    path("projects/<slug:slug>/members/<str:name>", people.Member.as_view(), name="member"),
    path("projects/<slug:slug>/invitations", people.Invitations.as_view(), name="invitations"),
    path("projects/<slug:slug>/invitations/<int:pk>", people.Invitation.as_view(), name="invitation"),
    path("projects/<slug:slug>/tokens", people.Tokens.as_view(), name="tokens"),
    path("projects/<slug:slug>/tokens/<slug:key>", people.Token.as_view(), name="token"),
    re_path(r"", views.unknown, name="unknown"),
]
