"""A letter: headers by which mail programs keep a submission together, and a body of plain text."""

from email.utils import formataddr, parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from patreview.outgoing.acts import Act
from patreview.outgoing.audience import Recipient
from patreview.outgoing.text import one_line, paragraph
from patreview.outgoing.wording import account, address


def letter(act: Act, to: Recipient) -> EmailMessage:
    """The mail to one person about one act; made again it is the same mail, by its Message-ID."""
    return EmailMessage(
        subject=_subject(act),
        body=_body(act, to),
        from_email=formataddr((one_line(act.actor), parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        to=[formataddr((one_line(to.user.get_username()), to.user.email))],
        headers=_headers(act, to),
    )


def _body(act: Act, to: Recipient) -> str:
    choose = f"Which mail you get: {settings.PATREVIEW_URL}/account/"
    foot = f"-- \nAnswers to this mail are not read.\n{choose}\n"
    return "\n\n".join([paragraph(to.reason), *account(act), address(act), foot])


def _subject(act: Act) -> str:
    submission = act.submission
    subject = f"[{submission.project.slug}] #{submission.pk} {one_line(submission.title)}"
    return subject if act.action == "submission.created" else f"Re: {subject}"


def _headers(act: Act, to: Recipient) -> dict[str, str]:
    submission, host = act.submission, host_name()
    slug, person = submission.project.slug, to.user.pk
    # Nobody got this one: it stands for the submission, so that all letters on it are answers to the same.
    root = f"<patreview.{submission.project_id}.submission-{submission.pk}.{person}@{host}>"
    return {
        "Message-ID": f"<patreview.{submission.project_id}.{act.entry.seq}.{person}@{host}>",
        "In-Reply-To": root,
        "References": root,
        "List-Id": f"{slug} <{slug}.patreview.{host}>",
        "Precedence": "list",
        "Auto-Submitted": "auto-generated",
        "X-Patreview-Project": slug,
        "X-Patreview-Submission": str(submission.pk),
        "X-Patreview-Event": act.action,
        "X-Patreview-Reason": to.why,
    }


def host_name() -> str:
    """The name of this service in ids of mail."""
    host = urlsplit(settings.PATREVIEW_URL).hostname or "localhost"
    return "localhost" if ":" in host else host
