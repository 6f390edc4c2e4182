"""People, and how often somebody guessed a password of theirs."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. Rights come from memberships (projects), not from Django's permissions."""


class SignInGuesses(models.Model):
    """Attempts for one name from one address, or for any name from one, since `since`; the row is the counter."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "sign-in guesses"

    def __str__(self) -> str:
        return f"{self.count} since {self.since:%Y-%m-%d %H:%M}"
