"""Let compliance read a period's rounds and the handoffs that count differently from indexes."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("sla", "0010_signed_is_signed")]

    operations = [
        migrations.AddIndex(
            model_name="handoff",
            index=models.Index(
                fields=["id"],
                include=["is_above_range", "is_notice", "origin", "leg"],
                condition=Q(is_above_range=True) | Q(is_notice=True) | Q(leg__gt=1) | ~Q(origin="live"),
                name="handoff_apart",
            ),
        ),
        migrations.AddIndex(
            model_name="round",
            index=models.Index(
                fields=["opened_at"],
                include=[
                    "handoff", "number", "opened_because", "decision", "decided_at", "reason", "is_counted",
                    "is_usable", "returned_at", "contested_at", "ruling_due_at", "ruling", "ruled_at",
                ],
                name="round_by_opening",
            ),
        ),
    ]
