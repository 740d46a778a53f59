"""Fill a new portal: channels, sources, the first score model and the first definition of qualified.

Figures are adapted from published practice: GitLab's marketing handbook (score model, recycling) and HubSpot (decay). The
target market (industries, sizes, countries) is an example for an administrator to edit.
"""

from datetime import UTC, datetime
from typing import Any

from django.db import migrations

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # imported history is judged by the first definition, too

# Each with its code, name, direction and side, and the code and name of its sources.
CHANNELS = [
    ("organic-search", "Organic search", "inbound", "marketing", [("organic-search", "Organic search")]),
    ("paid-search", "Paid search", "inbound", "marketing", [("paid-search", "Paid search")]),
    (
        "paid-social",
        "Paid social",
        "inbound",
        "marketing",
        [("linkedin-lead-form", "LinkedIn lead form"), ("meta-lead-form", "Meta lead form")],
    ),
    ("display", "Display", "inbound", "marketing", [("display", "Display")]),
    (
        "content-syndication",
        "Content syndication",
        "inbound",
        "marketing",
        [("content-syndication", "Content syndication")],
    ),
    ("email", "E-mail nurture", "inbound", "marketing", [("email-nurture", "E-mail nurture")]),
    (
        "webinar",
        "Webinar",
        "inbound",
        "marketing",
        [("webinar-live", "Live webinar"), ("webinar-on-demand", "Webinar on demand")],
    ),
    (
        "event",
        "Event",
        "inbound",
        "marketing",
        [("event-booth", "Booth"), ("event-meeting", "Meeting at an event"), ("event-talk", "Talk")],
    ),
    (
        "website",
        "Website form",
        "inbound",
        "marketing",
        [
            ("website-demo", "Demo request"),
            ("website-contact", "Contact sales"),
            ("website-pricing", "Pricing request"),
            ("website-download", "Download"),
            ("website-newsletter", "Newsletter"),
        ],
    ),
    ("trial", "Trial sign-up", "inbound", "marketing", [("trial", "Trial sign-up")]),
    ("chat", "Chat", "inbound", "marketing", [("chat", "Chat")]),
    (
        "referral",
        "Referral",
        "referral",
        "marketing",
        [("referral-customer", "Referral by a customer"), ("referral-employee", "Referral by an employee")],
    ),
    ("partner", "Partner", "referral", "marketing", [("partner", "Partner")]),
    ("inbound-call", "Inbound call", "inbound", "marketing", [("inbound-call", "Inbound call")]),
    (
        "outbound",
        "Outbound",
        "outbound",
        "marketing",
        [("outbound-list", "Bought list"), ("outbound-cold-call", "Cold call")],
    ),
    ("review-site", "Review site", "inbound", "marketing", [("review-site", "Review site")]),
    ("press", "Press", "inbound", "marketing", [("press", "Press")]),
    ("self-sourced", "Self-sourced by sales", "outbound", "sales", [("self-sourced", "Self-sourced by sales")]),
    ("direct", "Direct or unknown", "inbound", "marketing", [("direct", "Direct or unknown")]),
    ("import", "Import", "inbound", "marketing", [("import", "Import")]),
]

# German-speaking countries and the rest of the European Union.
SERVED = [
    "AT",
    "BE",
    "BG",
    "CH",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LI",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
]
ON_TARGET = [
    "Manufacturing",
    "Machinery",
    "Mechanical engineering",
    "Industrial equipment",
    "Industrial automation",
    "Logistics",
    "Transport",
    "Transport and logistics",
    "Warehousing",
    "Building services",
    "Facility management",
    "HVAC",
    "Maschinenbau",
    "Fertigung",
    "Logistik",
    "Gebäudetechnik",
]
ADJACENT = [
    "Automotive",
    "Chemicals",
    "Construction",
    "Electronics",
    "Energy",
    "Food and beverage",
    "Metals",
    "Packaging",
    "Pharmaceuticals",
    "Plastics",
    "Utilities",
    "Wholesale",
]


def one_of(field: str, values: list[str]) -> dict[str, Any]:
    return {"field": field, "op": "in", "value": values}


def known(field: str) -> dict[str, Any]:
    return {"field": field, "op": "filled"}


# code, label, group, points, condition
FACT_RULES = [
    ("business-email", "Business e-mail", "fit", 35, {"field": "email_kind", "op": "is", "value": "business"}),
    ("free-mail", "Free-mail address", "fit", -10, {"field": "email_kind", "op": "is", "value": "free"}),
    ("industry-on-target", "Industry on target", "fit", 15, one_of("industry", ON_TARGET)),
    ("industry-adjacent", "Industry next to the target", "fit", 5, one_of("industry", ADJACENT)),
    ("company-size", "Company size in range", "fit", 10, {"field": "employees", "op": "between", "value": [50, 1000]}),
    ("region-served", "Region served", "fit", 5, one_of("country", SERVED)),
    ("region-not-served", "Region not served", "fit", -30, {"field": "country", "op": "not_in", "value": SERVED}),
    ("seniority-high", "Seniority: director or above", "fit", 15, one_of("seniority", ["c_level", "vp", "director"])),
    ("seniority-manager", "Seniority: manager", "fit", 10, one_of("seniority", ["manager"])),
    ("seniority-staff", "Seniority: staff", "fit", 5, one_of("seniority", ["staff"])),
    ("seniority-student", "Student", "fit", -20, one_of("seniority", ["student"])),
    (
        "buying-group",
        "Function in the buying group",
        "fit",
        20,
        one_of("job_function", ["management", "operations", "purchasing", "engineering"]),
    ),
]

# code, label, group, points, kinds, limit, per, half-life in days
INTERACTION_RULES = [
    (
        "request",
        "Asked to be contacted",
        "intent",
        100,
        ["demo_request", "contact_request", "pricing_request"],
        1,
        "day",
        30,
    ),
    ("trial", "Started a trial", "intent", 30, ["trial_start"], 1, "day", 30),
    ("pricing-page", "Looked at prices", "intent", 25, ["pricing_view"], 1, "week", 30),
    ("email-reply", "Replied to an e-mail", "intent", 15, ["email_reply"], 1, "day", 30),
    ("meeting-booked", "Booked a meeting", "intent", 40, ["meeting_booked"], 1, "day", 30),
    ("attended", "Attended an event or webinar", "engagement", 40, ["event_attend", "webinar_attend"], None, "", 60),
    ("webinar-registered", "Registered for a webinar", "engagement", 20, ["webinar_register"], None, "", 60),
    ("webinar-recording", "Watched a webinar recording", "engagement", 10, ["webinar_on_demand"], None, "", 60),
    ("booth", "Visited the booth or a workshop", "engagement", 20, ["booth_visit"], None, "", 60),
    ("analyst-report", "Downloaded an analyst report", "engagement", 35, ["analyst_report"], None, "", 60),
    ("download", "Downloaded other gated content", "engagement", 15, ["download"], None, "", 60),
    ("syndicated", "Downloaded from a partner's site", "engagement", 10, ["syndicated"], 1, "month", 60),
    ("survey", "Answered a survey", "engagement", 15, ["survey_answer"], None, "", 60),
    ("newsletter", "Signed up for the newsletter", "engagement", 5, ["newsletter_signup"], 1, "week", 60),
    ("email-click", "Clicked in an e-mail", "engagement", 1, ["email_click"], 3, "day", 30),
    ("careers-page", "Looked at the careers page", "negative", -10, ["careers_view"], 1, "day", None),
    ("hard-bounce", "E-mail bounced", "negative", -20, ["email_bounce"], 1, "month", None),
]

REACHABLE = {
    "any": [
        {"all": [known("email"), {"not": {"interactions": {"kinds": ["email_bounce"], "within_days": 180}}}]},
        known("phone"),
    ]
}

# code, label, condition, field, question, required by: asked, nurtured
CRITERIA = [
    (
        "location-served",
        "Location served",
        one_of("country", SERVED),
        "country",
        "In which country are you?",
        True,
        True,
    ),
    ("reachable", "Reachable by e-mail or phone", REACHABLE, "phone", "How can we reach you best?", True, False),
    (
        "industry-on-target",
        "Industry on target",
        one_of("industry", ON_TARGET),
        "industry",
        "What does your company do?",
        False,
        True,
    ),
    ("need-expressed", "Need expressed", known("need"), "need", "What do you want to solve?", False, True),
    (
        "decision-maker",
        "Decision maker identified",
        known("decision_maker"),
        "decision_maker",
        "Who decides about this?",
        False,
        True,
    ),
    (
        "authority",
        "Buying authority known",
        known("authority"),
        "authority",
        "What is your part in the decision?",
        False,
        False,
    ),
    (
        "budget",
        "Budget allocated or range known",
        known("budget"),
        "budget",
        "Is there a budget, or a range?",
        False,
        False,
    ),
]


def fill(apps: Any, schema_editor: Any) -> None:
    channel_of = apps.get_model("leads", "Channel")
    source_of = apps.get_model("leads", "Source")
    for code, name, direction, side, sources in CHANNELS:
        channel = channel_of.objects.create(code=code, name=name, direction=direction, side=side)
        source_of.objects.bulk_create(source_of(code=each, name=label, channel=channel) for each, label in sources)

    model = apps.get_model("leads", "ScoreModel").objects.create(
        version=1,
        name="First score",
        status="published",
        fit_cap=70,
        intent_cap=100,
        engagement_cap=60,
        fit_grades=[55, 40, 20],
        engagement_grades=[75, 40, 15],
        created_at=LONG_AGO,
        published_at=LONG_AGO,
    )
    rule_of = apps.get_model("leads", "ScoreRule")
    rules = [
        rule_of(model=model, code=code, label=label, group=group, points=points, condition=condition)
        for code, label, group, points, condition in FACT_RULES
    ]
    rules += [
        rule_of(
            model=model,
            code=code,
            label=label,
            group=group,
            points=points,
            kinds=kinds,
            limit=limit,
            limit_per=per,
            half_life_days=half_life,
        )
        for code, label, group, points, kinds, limit, per, half_life in INTERACTION_RULES
    ]
    for position, rule in enumerate(rules, start=1):
        rule.position = position * 10
    rule_of.objects.bulk_create(rules)

    definition = apps.get_model("leads", "Definition").objects.create(
        version=1,
        name="Qualified lead",
        scope=None,
        position=100,
        in_force_from=LONG_AGO,
        score_model=model,
        threshold=100,
        intent_at_least=20,
        interactions_at_least=2,
        valid_days=30,
        asked_within_days=30,
        created_at=LONG_AGO,
    )
    criterion_of = apps.get_model("leads", "Criterion")
    criterion_of.objects.bulk_create(
        criterion_of(
            definition=definition,
            code=code,
            label=label,
            position=position * 10,
            condition=condition,
            field=field,
            question=question,
            required_by_asked=asked,
            required_by_nurtured=nurtured,
        )
        for position, (code, label, condition, field, question, asked, nurtured) in enumerate(CRITERIA, start=1)
    )


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_initial")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=False)]
