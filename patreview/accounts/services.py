"""Signing in. Counter rows, one per name and address and one per address, slow guessing before any hash is computed."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from patreview.accounts.models import SignInGuesses, User

NAME_MAX = 150
PASSWORD_MAX = 4096
_TAKEN = "This name is taken. If it is yours, log in instead."


@dataclass
class TooManyAttempts(Exception):
    """This name was guessed too often from this address; try again after so many seconds."""

    retry_after_s: int


def sign_in(request: HttpRequest, username: str, password: str) -> User | None:
    """Log a person in; None when name or password is wrong. Raises TooManyAttempts.

    The guess is counted before the password is looked at, so that parallel guesses count too.
    """
    if len(username) > NAME_MAX or len(password) > PASSWORD_MAX or "\0" in username + password:
        return None
    address = client_address(request)
    by_name, by_address = _key("name", username.casefold(), address), _key("address", address)
    _count(by_name, settings.SIGN_IN_GUESSES)
    _count(by_address, settings.SIGN_IN_GUESSES_AN_ADDRESS)
    user = authenticate(request, username=username, password=password)
    if user is None:
        return None
    # A right password was no guess: an office behind one address must not be shut out by its own people.
    SignInGuesses.objects.filter(key=by_name).delete()
    SignInGuesses.objects.filter(key=by_address, count__gt=0).update(count=F("count") - 1)
    login(request, user)
    return user


def start_session(request: HttpRequest, user: User) -> None:
    """Log in a person who just proved who they are by making the account."""
    login(request, user)


def count_invitation_guess(request: HttpRequest) -> None:
    """Count one unknown invitation from this address. Raises TooManyAttempts; a right link never waits."""
    _count(_key("invitation", client_address(request)), settings.INVITATION_GUESSES_AN_ADDRESS)


def client_address(request: HttpRequest) -> str:
    """Who connects; behind a proxy of ours, whom the proxy names last."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    return forwarded if settings.BEHIND_PROXY and forwarded else str(request.META.get("REMOTE_ADDR", ""))


def _key(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()


def _count(key: str, limit: int) -> None:
    """Count one guess; raises TooManyAttempts when `limit` guesses were counted within the window."""
    now = timezone.now()
    window = timedelta(seconds=settings.SIGN_IN_WINDOW_S)
    with transaction.atomic():
        guesses, created = SignInGuesses.objects.select_for_update().get_or_create(key=key, defaults={"since": now})
        if guesses.since + window <= now:
            SignInGuesses.objects.filter(key=key).update(count=1, since=now)
        elif guesses.count >= limit:
            raise TooManyAttempts(retry_after_s=int((guesses.since + window - now).total_seconds()) + 1)
        else:
            SignInGuesses.objects.filter(key=key).update(count=F("count") + 1)
    if created:
        SignInGuesses.objects.filter(since__lt=now - window).delete()


def register(username: str, *, password: str, email: str = "") -> User:
    """A new person under a name that nobody has in any spelling of case. Raises ValidationError."""
    name = User.normalize_username(username)
    if not name[:1].isalnum() or not name.isascii():
        raise ValidationError({"name": "Use letters, digits and @ . + - _ of ASCII; begin with a letter or digit."})
    if User.objects.filter(username__iexact=name).exists():
        raise ValidationError({"name": _TAKEN})
    if len(password) > PASSWORD_MAX or "\0" in password:
        raise ValidationError({"password": f"At most {PASSWORD_MAX} characters, and no U+0000."})
    try:
        with transaction.atomic():
            return create_person(name, password=password, email=email)
    except IntegrityError as exc:  # somebody took it just now
        raise ValidationError({"name": _TAKEN}) from exc


def change_email(user: User, email: str) -> None:
    """Where mail goes; "" for nowhere. Raises ValidationError."""
    user.email = email
    user.clean_fields(exclude=[field.name for field in User._meta.fields if field.name != "email"])
    user.save(update_fields=["email"])


def create_person(username: str, *, password: str | None = None, email: str = "") -> User:
    """The person of that name, created when there is none. Raises ValidationError on a bad name or password."""
    existing = User.objects.filter(username=username).first()
    if existing:
        return existing
    user = User(username=username, email=email)
    if password is None:
        user.set_unusable_password()
    else:
        validate_password(password, user)
        user.set_password(password)
    user.full_clean()
    user.save()
    return user
