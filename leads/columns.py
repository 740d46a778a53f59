"""What a column of a file may hold, and what it is likely to hold by its header in HubSpot, Salesforce and others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from leads.facts import FACTS, folded

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Target:
    """One thing that a column can be matched with."""

    code: str
    label: StrOrPromise


TARGETS: Mapping[str, Target] = {
    target.code: target
    for target in (
        Target("external_id", _("Id in the system it comes from")),
        Target("email", _("E-mail")),
        Target("phone", _("Phone")),
        Target("name", _("Name")),
        Target("first_name", _("First name")),
        Target("last_name", _("Last name")),
        Target("company_name", _("Company")),
        Target("captured_at", _("First contact (date)")),
        Target("source", _("Source")),
        Target("campaign", _("Campaign")),
        *(
            Target(fact.code, capfirst(fact.label))
            for fact in FACTS.values()
            if fact.code not in {"name", "email", "phone", "company_name"}
        ),
    )
}

# Headers as they are folded by `_key`, the surest first.
_HEADERS: Mapping[str, str] = {
    "external_id": (
        "external_id record_id contact_id lead_id person_id lead_id_18 id mql_id leadid contactid person___id lead___id"
    ),
    "email": (
        "email e_mail email_address e_mail_address mail work_email business_email person_email person_email_work "
        "primary_email e_mail_adresse email_id"
    ),
    "phone": (
        "phone phone_number telephone telefon telefonnummer person_phone person_phone_work work_phone business_phone "
        "mobile mobile_phone mobile_phone_number tel handy"
    ),
    "name": (
        "name full_name person_name contact_name lead_name person person_full_name vollstandiger_name ansprechpartner"
    ),
    "first_name": "first_name firstname given_name vorname person_first_name forename",
    "last_name": "last_name lastname surname family_name nachname person_last_name",
    "company_name": (
        "company company_name account account_name organization organisation organization_name person_organization "
        "company_account associated_company associated_company_name firma firmenname unternehmen employer"
    ),
    "title": (
        "job_title title position designation role jobtitle person_job_title berufsbezeichnung funktionsbezeichnung"
    ),
    "seniority": "seniority seniority_level management_level",
    "job_function": "job_function function department abteilung",
    "industry": "industry branche sector person_industry vertical",
    "employees": (
        "number_of_employees no_of_employees employees company_size employee_count numberofemployees mitarbeiter "
        "mitarbeiterzahl headcount"
    ),
    "country": "country country_region country_code land lander person_country",
    "region": "state region state_province state_region province bundesland",
    "city": "city town ort stadt person_city",
    "language": "language preferred_language sprache",
    "timezone": "time_zone timezone zeitzone",
    "need": "need message comments your_message anforderung bedarf nachricht what_do_you_need pain",
    "decision_maker": "decision_maker entscheider",
    "authority": "authority buying_authority buying_role",
    "budget": "budget",
    "timeframe": "timeframe time_frame timeline purchase_timeframe zeitrahmen",
    "note": "note notes description beschreibung notiz bemerkung",
    "captured_at": (
        "captured_at first_contact_date first_contact erstkontakt create_date created_date createddate created_time "
        "created_at created lead_created lead_lead_created person_created date_created timestamp submitted_at "
        "submit_date erstellt erstellt_am erstelldatum datum date"
    ),
    "source": (
        "source lead_source original_source origin utm_source lead_source_name quelle leadquelle herkunft "
        "original_traffic_source lead_origin channel"
    ),
    "campaign": "campaign campaign_name lead_campaign utm_campaign kampagne campaign_source landing_page_id",
}


def _key(header: str) -> str:
    """Fold a header: `Person - E-mail (Work)` becomes `person_e_mail_work`."""
    return re.sub(r"[^a-z0-9]+", "_", folded(header)).strip("_")


def guess(columns: Sequence[str]) -> dict[str, str]:
    """Match columns with what they are likely to hold.

    Returns:
        Column → code of a target; columns that nothing is known of are missing.
    """
    by_key = {_key(column): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for code, headers in _HEADERS.items():
        for header in headers.split():
            column = by_key.get(header.replace("___", "_"))
            if column is not None and column not in found:
                found[column] = code
                break
    if "name" in found.values() and {"first_name", "last_name"} <= set(found.values()):
        found = {column: code for column, code in found.items() if code != "name"}
    return found


def headers_hash(columns: Sequence[str]) -> str:
    """Return what tells files of the same make: the set of their headers."""
    return hashlib.sha256("\n".join(sorted({_key(column) for column in columns})).encode()).hexdigest()
