"""The provisional agreement that a new portal starts with: in force, unsigned, shown as "not agreed yet"."""

from datetime import UTC, datetime

from django.apps.registry import Apps as StateApps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
ZONE = "Europe/Berlin"
WEEK = ("mon", "tue", "wed", "thu", "fri")
CALENDARS = {
    "Hot leads": [["09:00", "17:30"]],
    "Office hours": [["09:00", "12:00"], ["13:00", "17:30"]],
}
HOT, WARM, COOL = "hot", "warm", "cool"


def minutes(number: int) -> dict[str, int]:
    return {"minutes": number}


def days(number: int, **columns: int) -> dict[str, int]:
    return {"working_days": number, **columns}


START = "A start without history: put the middle half of your past periods here."
OWN_MEDIAN = "A start without history: put your own median here."

# side, measure, at least, note, limits of hot, warm and cool
TARGETS = (
    ("marketing", "quantity", 40, START, ()),
    ("marketing", "accepted", "0.5", OWN_MEDIAN, ()),
    ("marketing", "opportunities", "0.2", OWN_MEDIAN, ()),
    (
        "marketing",
        "customers",
        "0.03",
        "A start without history: sales goal ÷ average deal ÷ qualified leads belongs here.",
        (),
    ),
    ("marketing", "hand_over", "0.9", "", (minutes(15), minutes(60), minutes(240))),
    ("marketing", "fix", "0.9", "", (days(1), days(2), days(3))),
    ("sales", "first_follow_up", "0.9", "", (minutes(5), minutes(60), days(1))),
    ("sales", "decide", "0.9", "", (minutes(240), days(1), days(2))),
    (
        "sales",
        "attempts",
        "0.9",
        "",
        (
            days(10, attempts=6, channels=2),
            days(14, attempts=6, channels=2),
            days(14, attempts=4, channels=2),
        ),
    ),
    ("sales", "first_result", "0.9", "", (days(5), days(10), days(14))),
    ("sales", "update", "0.9", "About every 30 days.", (days(21), days(21), days(21))),
    ("sales", "outcome", "0.9", "", (days(5), days(5), days(5))),
    ("sales", "usable_reasons", "0.9", "", ()),
)


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    model = apps.get_model
    definition = model("leads", "Definition").objects.order_by("version").first()
    if definition is None:
        raise RuntimeError("There is no definition of qualified to agree on; the default data of leads is missing.")
    calendars = {}
    for name, windows in CALENDARS.items():
        calendar = model("sla", "Calendar").objects.create(name=name)
        model("sla", "CalendarVersion").objects.create(
            calendar=calendar,
            version=1,
            timezone=ZONE,
            hours=dict.fromkeys(WEEK, windows),
            holidays_country="DE",
            created_at=BEGINNING,
        )
        calendars[name] = calendar
    agreement = model("sla", "Agreement").objects.create(
        version=1,
        name="First agreement",
        status="active",
        is_provisional=True,
        position=1000,
        timezone=ZONE,
        calendar=calendars["Office hours"],
        definition=definition,
        in_force_from=BEGINNING,
        created_at=BEGINNING,
    )
    for position, (side, measure, at_least, note, limits) in enumerate(TARGETS, start=1):
        commitment = model("sla", "Commitment").objects.create(measure=measure, side=side)
        target = model("sla", "Target").objects.create(
            agreement=agreement, commitment=commitment, position=position, at_least=at_least, note=note
        )
        for temperature, limit in zip((HOT, WARM, COOL), limits, strict=False):
            model("sla", "TimeLimit").objects.create(
                target=target,
                temperature=temperature,
                calendar=calendars["Hot leads" if temperature == HOT else "Office hours"],
                **limit,
            )


class Migration(migrations.Migration):
    dependencies = [("sla", "0002_settled_figures"), ("leads", "0002_default_data")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
