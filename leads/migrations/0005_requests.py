from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0004_history_by_statement"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="interaction",
            index=models.Index(
                condition=models.Q(("kind__in", ("demo_request", "contact_request", "pricing_request"))),
                fields=["recorded_at"],
                name="interaction_that_asks",
            ),
        ),
    ]
