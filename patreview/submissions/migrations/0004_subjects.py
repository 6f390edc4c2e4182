"""The platform or the guest that a submission is about, written down for lists."""

from django.db import migrations


def write_subjects(apps, schema_editor):
    Submission = apps.get_model("submissions", "Submission")
    for one in Submission.objects.filter(subject="").select_related("platform", "current").iterator():
        if one.platform is not None:
            one.subject = one.platform.name
        elif one.current is not None:
            one.subject = str(one.current.content.get("guest", {}).get("name", ""))[:100]
        one.save(update_fields=["subject"])


class Migration(migrations.Migration):
    dependencies = [("submissions", "0003_review_summary")]
    operations = [migrations.RunPython(write_subjects, migrations.RunPython.noop)]
