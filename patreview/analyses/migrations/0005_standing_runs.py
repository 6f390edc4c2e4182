from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def keep_standing_runs(apps, schema_editor):
    """What completed runs store from now on, for those that are there."""
    Submission = apps.get_model("submissions", "Submission")
    Run = apps.get_model("analyses", "Run")
    completed = Run.objects.filter(revision=OuterRef("current"), state="completed").order_by("-attempt")
    Submission.objects.update(standing_run=Subquery(completed.values("pk")[:1]))


class Migration(migrations.Migration):

    dependencies = [
        ('analyses', '0004_reports_append_only'),
        ('submissions', '0005_lists'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(fields=['verdict', 'run', 'position'], name='findings_by_verdict'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(fields=['rule', 'run', 'position'], name='findings_by_rule'),
        ),
        migrations.RunPython(keep_standing_runs, migrations.RunPython.noop, elidable=True),
    ]
