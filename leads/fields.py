"""What a condition can ask of a lead: one typed list of fields, with their questions and what a lead has in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from leads.models import EmailKind, JobFunction, Lead, Seniority, Stage, Temperature

_OWN = re.compile(r"own\.([a-z0-9_-]{1,40})")


class Kind(StrEnum):
    """What a field holds, and so which questions it answers."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOL = "bool"


@dataclass(frozen=True)
class Field:
    """One thing that a condition can ask of a lead.

    Attributes:
        key: its name in conditions and in the facts of packs.
        label: what people call it.
        kind: what it holds.
        path: where it stands, from the lead; of a `BOOL`, a column that is empty while it is false.
        choices: the codes that it can hold, with what people call them; empty where it can hold any text.
        is_personal: packs keep no more of it than that it is known.
        is_judgement: follows from score or definition, so that neither can ask for it.
    """

    key: str
    label: str | Promise
    kind: Kind
    path: str
    choices: Mapping[str, str | Promise] | None = None
    is_personal: bool = False
    is_judgement: bool = False


def _fields(*fields: Field) -> dict[str, Field]:
    return {field.key: field for field in fields}


FIELDS: dict[str, Field] = _fields(
    Field("name", _("Name"), Kind.TEXT, "name", is_personal=True),
    Field("email", _("E-mail"), Kind.TEXT, "email", is_personal=True),
    Field("email_kind", _("Kind of e-mail"), Kind.TEXT, "email_kind", choices=dict(EmailKind.choices)),
    Field("phone", _("Phone"), Kind.TEXT, "phone", is_personal=True),
    Field("title", _("Job title"), Kind.TEXT, "title", is_personal=True),
    Field("seniority", _("Seniority"), Kind.TEXT, "seniority", choices=dict(Seniority.choices)),
    Field("job_function", _("Function"), Kind.TEXT, "job_function", choices=dict(JobFunction.choices)),
    Field("company_name", _("Company"), Kind.TEXT, "company_name"),
    Field("industry", _("Industry"), Kind.TEXT, "industry"),
    Field("employees", _("People at the company"), Kind.NUMBER, "employees"),
    Field("country", _("Country"), Kind.TEXT, "country"),
    Field("region", _("Region"), Kind.TEXT, "region"),
    Field("city", _("City"), Kind.TEXT, "city"),
    Field("language", _("Language"), Kind.TEXT, "language"),
    Field("need", _("Need"), Kind.TEXT, "need", is_personal=True),
    Field("decision_maker", _("Decision maker"), Kind.TEXT, "decision_maker", is_personal=True),
    Field("authority", _("Buying authority"), Kind.TEXT, "authority", is_personal=True),
    Field("budget", _("Budget"), Kind.TEXT, "budget", is_personal=True),
    Field("timeframe", _("Time frame"), Kind.TEXT, "timeframe", is_personal=True),
    Field("relation", _("Relation of the company"), Kind.TEXT, "company__relation"),
    Field("source", _("Last source"), Kind.TEXT, "last_source__code"),
    Field("first_source", _("First source"), Kind.TEXT, "first_source__code"),
    Field("channel", _("Last channel"), Kind.TEXT, "last_source__channel__code"),
    Field("campaign", _("Last campaign"), Kind.TEXT, "last_campaign__code"),
    Field("first_campaign", _("First campaign"), Kind.TEXT, "first_campaign__code"),
    Field("team", _("Marketing team"), Kind.TEXT, "team__name"),
    Field("captured_at", _("First contact"), Kind.DATE, "captured_at"),
    Field("created_at", _("Entered"), Kind.DATE, "created_at"),
    Field("unsubscribed", _("Unsubscribed"), Kind.BOOL, "unsubscribed_at"),
    Field("stage", _("Stage"), Kind.TEXT, "stage", choices=dict(Stage.choices), is_judgement=True),
    Field(
        "temperature",
        _("Temperature"),
        Kind.TEXT,
        "temperature",
        choices=dict(Temperature.choices),
        is_judgement=True,
    ),
    Field("score", _("Score"), Kind.NUMBER, "score", is_judgement=True),
    Field("fit", _("Fit"), Kind.NUMBER, "fit", is_judgement=True),
    Field("intent", _("Intent"), Kind.NUMBER, "intent", is_judgement=True),
    Field("engagement", _("Engagement"), Kind.NUMBER, "engagement", is_judgement=True),
    Field("grade", _("Grade"), Kind.TEXT, "grade", is_judgement=True),
)

OPS: dict[Kind, dict[str, str | Promise]] = {
    Kind.TEXT: {
        "is": _("is"),
        "is_not": _("is not"),
        "in": _("is one of"),
        "not_in": _("is none of"),
        "contains": _("contains"),
        "starts_with": _("starts with"),
        "filled": _("is known"),
        "empty": _("is not known"),
    },
    Kind.NUMBER: {
        "eq": _("is"),
        "gte": _("is at least"),
        "lte": _("is at most"),
        "between": _("is between"),
        "filled": _("is known"),
        "empty": _("is not known"),
    },
    Kind.DATE: {"before": _("is before"), "after": _("is after"), "within_days": _("is within the last days")},
    Kind.BOOL: {"is_true": _("is true"), "is_false": _("is not true")},
}


def find(key: str) -> Field | None:
    """Return the field of a key; own fields are `own.<id>` and hold text. None if there is no such field."""
    if own := _OWN.fullmatch(key):
        return Field(key, own[1].replace("_", " "), Kind.TEXT, f"own__{own[1]}")
    return FIELDS.get(key)


def value_of(lead: Lead, field: Field) -> str | Decimal | int | datetime | bool | None:
    """Return what a lead has in a field; None where nobody told."""
    if own := _OWN.fullmatch(field.key):
        told = lead.own.get(own[1])
        return None if told in (None, "") else str(told)
    value: Any = lead
    for step in field.path.split("__"):
        value = getattr(value, step, None)
    if field.kind is Kind.BOOL:
        return value is not None
    return None if value == "" else value


def facts(lead: Lead) -> dict[str, str | float | bool]:
    """Return a lead's facts as packs freeze them: the same keys, nothing that is unknown, nothing personal.

    Of a personal field stands there only that it is known. Load the lead with company, sources, campaigns and team.
    """
    told: dict[str, str | float | bool] = {}
    own = [find(f"own.{key}") for key in lead.own if _OWN.fullmatch(f"own.{key}")]
    for field in (each for each in [*FIELDS.values(), *own] if each is not None):
        value = value_of(lead, field)
        if value is None:
            continue
        if field.is_personal:
            told[field.key] = True
        elif isinstance(value, datetime):
            told[field.key] = value.isoformat()
        else:
            told[field.key] = float(value) if isinstance(value, Decimal) else value
    return told


def value_in_words(lead: Lead, field: Field) -> str:
    """Return what a lead has in a field, as people say it; "" where nobody told."""
    value = value_of(lead, field)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return date_format(value.astimezone(ZoneInfo(settings.TIME_ZONE)), "j M Y")
    if field.key == "employees":
        return ngettext("%(n)d person", "%(n)d people", int(value)) % {"n": value}
    return str((field.choices or {}).get(str(value), value))
