"""Comments of before there were threads become a thread each, which asks for nothing."""

from django.db import migrations


def a_thread_each(apps, schema_editor):
    Comment, Thread = apps.get_model("reviews", "Comment"), apps.get_model("reviews", "Thread")
    for comment in Comment.objects.filter(thread=None).select_related("revision").iterator():
        comment.thread = Thread.objects.create(
            submission_id=comment.revision.submission_id,
            anchor="revision",
            opened_on=comment.revision,
            opened_by_id=comment.author_id,
            opened_at=comment.at,
        )
        comment.save(update_fields=["thread"])


class Migration(migrations.Migration):
    dependencies = [("reviews", "0002_threads_and_waivers")]
    operations = [migrations.RunPython(a_thread_each, migrations.RunPython.noop)]
