import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


def begin_at_the_head(apps, schema_editor):
    """What was done before there was any mail is no news."""
    heads = apps.get_model("journal", "Head").objects.values_list("project_id", "seq")
    mailed = apps.get_model("outgoing", "Mailed")
    mailed.objects.bulk_create([mailed(project_id=project_id, seq=seq) for project_id, seq in heads])


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("journal", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mailed",
            fields=[
                ("project_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("seq", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("project_id", models.BigIntegerField()),
                ("seq", models.PositiveBigIntegerField()),
                ("why", models.CharField(help_text="turn, owner, contributor, waiver, voter, thread, all.", max_length=12)),
                ("reason", models.CharField(help_text="The first line: why it is sent to this person.", max_length=300)),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text="While it is being sent: when somebody else may try.")),
                ("tries", models.PositiveIntegerField(default=0)),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "indexes": [models.Index(fields=["user", "project_id"], name="letters_by_person")],
                "constraints": [models.UniqueConstraint(fields=["project_id", "seq", "user"], name="one_letter_an_entry")],
            },
        ),
        migrations.RunPython(begin_at_the_head, migrations.RunPython.noop),
    ]
