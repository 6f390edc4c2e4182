from django.db import migrations, models

from patreview.catalogue.facts import facts_digest

BATCH = 500


def digest_the_facts(apps, schema_editor):
    guests = apps.get_model("catalogue", "Guest").objects.using(schema_editor.connection.alias)
    batch = []
    for guest in guests.only("pk", "facts").order_by("pk").iterator(chunk_size=BATCH):
        guest.facts_digest = facts_digest(guest.facts)
        batch.append(guest)
        if len(batch) == BATCH:
            guests.bulk_update(batch, ["facts_digest"])
            batch = []
    guests.bulk_update(batch, ["facts_digest"])


class Migration(migrations.Migration):

    dependencies = [
        ('catalogue', '0002_platform_details'),
    ]

    operations = [
        migrations.AddField(
            model_name='guest',
            name='facts_digest',
            field=models.CharField(default='', help_text='Equal for guests whose facts decide alike.', max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='guest',
            name='origin',
            field=models.CharField(blank=True, default='', help_text='By which submission it came in service.', max_length=200),
            preserve_default=False,
        ),
        migrations.RunPython(digest_the_facts, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name='guest',
            index=models.Index(fields=['project', 'facts_digest'], name='guests_by_facts'),
        ),
    ]
