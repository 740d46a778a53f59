"""Escalation of the first agreement, reasons for a pause, and what plans assume."""

from django.apps.registry import Apps as StateApps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FIRST_ANSWERS = ["first_follow_up", "decide"]

# temperature, measures (none: all others), share of the budget, working minutes more, action, urgent
ESCALATION = (
    ("hot", ["first_follow_up"], 0, 0, "owner", True),
    ("hot", ["first_follow_up"], 0, 3, "offer", True),
    ("hot", ["first_follow_up"], 1, 0, "manager", True),
    ("hot", ["first_follow_up"], 0, 15, "reassign", True),
    ("hot", [], "0.8", 0, "owner", False),
    ("hot", [], 1, 0, "manager", False),
    ("warm", FIRST_ANSWERS, "0.8", 0, "owner", False),
    ("warm", FIRST_ANSWERS, 1, 0, "manager", False),
    ("warm", FIRST_ANSWERS, 1, 240, "reassign", False),
    ("warm", [], "0.8", 0, "owner", False),
    ("warm", [], 1, 0, "manager", False),
    ("cool", [], "0.8", 0, "owner", False),
    ("cool", [], 1, 0, "manager", False),
)

# code, label, at most so many working days, for clocks of which side
PAUSE_REASONS = (
    ("lead_asked_later", "The lead asked to be contacted later", 10, ""),
    ("lead_away", "The lead is away", 10, ""),
    ("waits_for_marketing", "Waiting for an answer from marketing", 5, "sales"),
    ("waits_for_sales", "Waiting for an answer from sales", 5, "marketing"),
    ("systems_down", "Telephone, mail or systems were down", 2, ""),
)


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    steps = apps.get_model("sla", "EscalationStep").objects
    for agreement in apps.get_model("sla", "Agreement").objects.filter(escalation=None):
        steps.bulk_create(
            steps.model(
                agreement=agreement,
                temperature=temperature,
                measures=measures,
                share=share,
                minutes=minutes,
                action=action,
                is_urgent=is_urgent,
            )
            for temperature, measures, share, minutes, action, is_urgent in ESCALATION
        )
    reasons = apps.get_model("sla", "PauseReason").objects
    for position, (code, label, days, side) in enumerate(PAUSE_REASONS, start=1):
        reasons.create(code=code, label=label, longest_working_days=days, side=side, position=position)
    apps.get_model("sla", "Assumptions").objects.create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("sla", "0005_contract")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
