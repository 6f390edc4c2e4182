from django.db import migrations

from patreview.journal.append_only import ENTRIES, operation


class Migration(migrations.Migration):

    dependencies = [
        ('journal', '0002_by_object'),
    ]

    operations = [operation(ENTRIES)]
