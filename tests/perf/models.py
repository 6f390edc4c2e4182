"""The one table of the floor."""

from django.db import models


class Row(models.Model):
    """As many columns as a submission has fields in a list, all in one table."""

    project = models.CharField(max_length=50)
    kind = models.CharField(max_length=6)
    title = models.CharField(max_length=100)
    external_key = models.CharField(max_length=200, null=True)
    platform = models.CharField(max_length=50, null=True)
    layout = models.CharField(max_length=18)
    owner = models.CharField(max_length=150)
    state = models.CharField(max_length=10)
    revision = models.PositiveIntegerField()
    run_state = models.CharField(max_length=10)
    verdict = models.CharField(max_length=13)
    created_at = models.DateTimeField()
    url = models.CharField(max_length=50)

    class Meta:
        app_label = "floor"
