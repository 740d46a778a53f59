from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sla", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="compliance",
            name="settled_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="compliance",
            name="settled_cases",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="compliance",
            name="settled_kept",
            field=models.PositiveIntegerField(null=True),
        ),
    ]
