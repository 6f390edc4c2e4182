"""What the mail server's answers mean for a letter: sent, later, never, or nothing goes just now (RFC 5321, 4.2)."""

from smtplib import SMTPDataError, SMTPException, SMTPNotSupportedError, SMTPRecipientsRefused

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

# To any command: the server shuts down; it wants encryption or a login that our settings do not have.
_CLOSES, _WANTS_LOGIN = 421, 530


class Outage(Exception):
    """The server cannot be used at all just now: every letter would fail."""


class Later(Exception):
    """The server does not take this letter now."""


class Refused(Exception):
    """The server takes this letter never."""


def hand_over(message: EmailMessage, connection: BaseEmailBackend) -> None:
    """Give a letter to the server. Raises Outage, Later, Refused."""
    try:
        connection.open()
    except OSError as exc:  # an SMTPException is one
        raise Outage(_answer(exc)) from exc
    try:
        connection.send_messages([message])
    except SMTPRecipientsRefused as exc:
        raise _refusal(min(code for code, _ in exc.recipients.values()), exc) from exc
    except SMTPDataError as exc:
        raise _refusal(exc.smtp_code, exc) from exc
    except SMTPNotSupportedError as exc:
        raise Refused(_answer(exc)) from exc
    except OSError as exc:
        raise Outage(_answer(exc)) from exc


def _refusal(code: int, exc: SMTPException) -> Exception:
    if code in (_CLOSES, _WANTS_LOGIN) or not 400 <= code < 600:
        return Outage(_answer(exc))
    return Later(_answer(exc)) if code < 500 else Refused(_answer(exc))


def _answer(exc: Exception) -> str:
    """What the server said, for a log: without the address that it was said of."""
    said = list(exc.recipients.values()) if isinstance(exc, SMTPRecipientsRefused) else exc
    return f"{type(exc).__name__}: {said}"[:300]
