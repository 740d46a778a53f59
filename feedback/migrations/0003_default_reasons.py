"""Fill in the reasons that a new portal starts with; an administrator may change or retire them."""

from typing import Any

from django.db import migrations

# code, label, when, consequence, recycle days, asks, counts. In the order in which the form offers them.
REASONS = (
    (
        "too_early",
        "Too early: meets the definition, but no intent",
        "reject",
        "recycle",
        60,
        "misread",
        "as_defined_but",
    ),
    (
        "criterion_untrue",
        "A criterion is not true or not proven",
        "reject",
        "fix",
        None,
        "correction",
        "not_as_defined",
    ),
    ("wrong_person", "No authority, wrong role", "reject", "recycle", 30, "role", "not_as_defined"),
    ("bad_contact_data", "Wrong or missing phone or e-mail", "reject", "fix", None, "field", "not_as_defined"),
    (
        "wrong_company",
        "Outside our target (ICP): size, industry or location",
        "reject",
        "disqualify",
        None,
        "criterion",
        "not_as_defined",
    ),
    ("wrong_territory", "Wrong team, region or language", "reject", "reroute", None, "team", "neither"),
    ("duplicate", "Same person twice", "reject", "merge", None, "lead", "neither"),
    ("unreachable", "No reply after the agreed attempts", "after_attempts", "recycle", 90, "", "neither"),
    ("no_need", "No need", "after_contact", "recycle", 180, "", "as_defined_but"),
    ("no_budget", "No budget now", "after_contact", "recycle", None, "date", "neither"),
    ("bad_timing", "Not now", "after_contact", "recycle", None, "date", "neither"),
    ("already_working", "Open opportunity exists", "reject", "attach", None, "opportunity", "neither"),
    ("existing_customer", "Is a customer", "reject", "account_manager", None, "", "neither"),
    ("chose_competitor", "Bought elsewhere", "after_contact", "recycle", 365, "who", "neither"),
    ("product_gap", "Feature missing", "after_contact", "recycle", 180, "feature", "neither"),
    ("competitor_or_vendor", "Competitor, vendor, job seeker", "reject", "block", None, "", "not_as_defined"),
    ("spam_or_test", "Junk, fake, test", "reject", "block", None, "", "not_as_defined"),
    ("no_consent", "No consent to be contacted", "reject", "suppress", None, "", "not_as_defined"),
    ("do_not_contact", "Asked us not to contact them", "after_contact", "suppress", None, "", "neither"),
    ("left_company", "No longer there", "any", "disqualify", None, "", "neither"),
    ("other", "Other", "any", "review", None, "text", "neither"),
)


def fill(apps: Any, schema_editor: Any) -> None:
    """Add the reasons that are missing by code."""
    reason = apps.get_model("feedback", "Reason")
    for position, (code, label, when, consequence, days, asks, counts) in enumerate(REASONS, start=1):
        reason.objects.get_or_create(
            code=code,
            defaults={
                "label": label,
                "when": when,
                "consequence": consequence,
                "recycle_days": days,
                "asks": asks,
                "counts": counts,
                "position": position * 10,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("feedback", "0002_initial")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
