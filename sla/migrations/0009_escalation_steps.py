from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sla', '0008_turns_and_rulings'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='clock',
            name='warned_at',
        ),
        migrations.AddField(
            model_name='clockstep',
            name='is_done',
            field=models.BooleanField(default=True),
        ),
        migrations.AlterField(
            model_name='clockchange',
            name='kind',
            field=models.CharField(choices=[('waived', 'Waived'), ('retracted', 'Breach retracted: it was done in time, and entered late'), ('upheld', 'Stays late: the entry was not confirmed'), ('rebased', 'Put under another version'), ('restarted', 'Started anew for a new owner')], max_length=10),
        ),
    ]
