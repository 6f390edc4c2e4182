from django.db import migrations

from patreview.journal.append_only import REPORTS, operation


class Migration(migrations.Migration):

    dependencies = [
        ('analyses', '0003_stale_runs'),
        ('journal', '0003_append_only'),
    ]

    operations = [operation(REPORTS)]
