"""Bring won and lost deals of another system in: match columns, take chunks of rows, keep what else the file says.

Reading, running and resuming is `leads.imports`'s; here is what a row of outcomes means.
"""

from __future__ import annotations

import hashlib
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from feedback import outcomes
from feedback.models import OutcomeReport
from feedback.refusals import Refused
from leads import csv_files, identity, imports, intake, stages
from leads.csv_files import Row, WrongValue
from leads.imports import Outcome
from leads.models import Identity, Import, ImportRow, Lead, Origin, Stage
from leadsla.accounts.models import ExternalPerson, User
from leadsla.currencies import CODES
from sla import past
from sla.models import Handoff

Kind = OutcomeReport.Kind
Because = Handoff.ClosedBecause

TARGETS: Mapping[str, StrOrPromise] = {
    "external_id": gettext_lazy("Id of the lead there"),
    "email": gettext_lazy("E-mail of the lead"),
    "deal_id": gettext_lazy("Id of the deal there"),
    "handed_over_by": gettext_lazy("Who handed it over"),
    "owner": gettext_lazy("Who closed it"),
    "won_at": gettext_lazy("Won on"),
    "lost_at": gettext_lazy("Lost on"),
    "lost_because": gettext_lazy("Why lost"),
    "revenue": gettext_lazy("Revenue"),
    "currency": gettext_lazy("Currency"),
    "note": gettext_lazy("Note"),
}
DATES = ("won_at", "lost_at")
KINDS: Mapping[str, Kind] = {"won_at": Kind.WON, "lost_at": Kind.LOST}
ENDS: Mapping[str, Because] = {Kind.WON: Because.WON, Kind.LOST: Because.LOST}
LONGEST_ID = 190

_HEADERS: Mapping[str, str] = {
    "external_id": "external_id lead_id contact_id person_id mql_id record_id associated_contact_ids",
    "email": "email e_mail contact_email person_email",
    "deal_id": "deal_id opportunity_id opportunityid dealid",
    "handed_over_by": "handed_over_by sdr_id sdr bdr lead_owner",
    "owner": "owner sr_id sales_rep deal_owner opportunity_owner owner_id sales_agent account_executive",
    "won_at": "won_at won_date won_time close_date closedate won",
    "lost_at": "lost_at lost_date lost_time",
    "lost_because": "lost_because lost_reason closed_lost_reason loss_reason",
    "revenue": "revenue amount deal_value value close_value",
    "currency": "currency deal_currency currency_code",
    "note": "note notes description",
}


# --- Columns


def guess(columns: Sequence[str]) -> dict[str, str]:
    """Match columns with what they are likely to hold by their names; money is matched by people only.

    Returns:
        Column → code of a target.
    """
    by_key = {re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_"): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for code, headers in _HEADERS.items():
        column = next((by_key[header] for header in headers.split() if header in by_key), None)
        if column is not None and column not in found:
            found[column] = code
    return found


def _wrong_mapping(run: Import, wanted: Mapping[str, str]) -> str:
    codes = set(wanted.values())
    if wrong := imports.wrong_columns(run, wanted, TARGETS):
        return wrong
    if unknown := sorted(codes - set(TARGETS)):
        words = {"code": unknown[0], "known": ", ".join(TARGETS)}
        return _("“%(code)s” is nothing that an outcome has. Use one of: %(known)s.") % words
    if not {"external_id", "email"} & codes:
        return _("No column tells whose deal it is. Match the lead's id in that system or its e-mail.")
    if not set(DATES) & codes:
        return _("No column tells what came of it. Match when it was won, or when it was lost.")
    return ""


def _date_order(run: Import, wanted: Mapping[str, str]) -> str:
    """Return how the columns of dates write them; "" when they can be read in two ways."""
    layout = imports.layout_of(run)
    texts: list[str] = []
    with run.file.open("rb") as file:
        for column in (column for column, code in wanted.items() if code in DATES):
            texts += csv_files.column(file, layout, column)
    return csv_files.date_format(texts)


def _decimal_mark(run: Import, wanted: Mapping[str, str]) -> str:
    column = next((column for column, code in wanted.items() if code == "revenue"), "")
    if not column:
        return "."
    layout = imports.layout_of(run)
    with run.file.open("rb") as file:
        return csv_files.decimal_mark(csv_files.column(file, layout, column))


def match(
    run: Import,
    *,
    mapping: Mapping[str, str],
    system: str,
    timezone: str,
    now: datetime,
    date_format: str = "",
    decimal_mark: str = "",
) -> None:
    """Say what the columns hold; remembered for the next file with these headers.

    Args:
        run: uploaded or ready; one that has begun is left alone.
        mapping: column → code of `TARGETS`; the others are kept with each outcome as they are.
        system: where the file comes from, under the name that the leads' ids were imported with.
        timezone: of dates that name none.
        now: this moment.
        date_format: "ymd", "dmy", "mdy"; "" finds it out.
        decimal_mark: "." or ","; "" finds it out.

    Raises:
        intake.Refused: under `columns`, `system`, `timezone`, `date_format` or `decimal_mark` why not.
    """
    wanted = {column: code for column, code in mapping.items() if code}
    errors = imports.wrong_reading(timezone=timezone, date_format=date_format)
    if wrong := _wrong_mapping(run, wanted):
        errors["columns"] = wrong
    if not system or len(system) > 60:
        errors["system"] = _("Name the system that the deals come from, in at most 60 characters.")
    if "date_format" not in errors and not wrong and not (date_format := date_format or _date_order(run, wanted)):
        errors["date_format"] = _("The dates can be read in two ways. Say whether the day or the month comes first.")
    if decimal_mark not in {"", ".", ","}:
        errors["decimal_mark"] = _("Use a point or a comma.")
    elif not wrong and not (decimal_mark := decimal_mark or _decimal_mark(run, wanted)):
        errors["decimal_mark"] = _(
            "The amounts can be read in two ways. Say whether a point or a comma stands before cents."
        )
    if errors:
        raise intake.Refused(errors)
    imports.keep_match(
        run,
        now=now,
        mapping=wanted,
        system=system,
        timezone=timezone,
        date_format=date_format,
        decimal_mark=decimal_mark,
        is_history=True,
    )


# --- Rows


@dataclass
class Deal:
    """One row, read: whose deal, how it ended, when, by whom."""

    row: Row
    lead_key: str
    deal_id: str
    kind: Kind
    at: datetime
    is_date: bool
    owner: str
    handed_over_by: str
    amount: Decimal | None
    currency: str
    lost_because: str
    note: str
    attributes: dict[str, str] = field(default_factory=dict)
    lead: Lead | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What tells a repeated deal from a second one."""
        return self.deal_id, self.kind


def _cells(run: Import, row: Row) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the matched columns say, and what the others do."""
    told: dict[str, str] = {}
    others: dict[str, str] = {}
    for column, cell in csv_files.as_dict(row, run.columns).items():
        code, text = run.mapping.get(column, ""), cell.strip()
        if text and code:
            told[code] = text
        elif text:
            others[column] = text
    return told, others


def _moment(run: Import, told: Mapping[str, str], zone: zoneinfo.ZoneInfo) -> tuple[Kind, datetime, bool]:
    """Return how and when a deal ended. Midnight of the zone in which the system dates is a day without a time.

    Raises:
        WrongValue: there is no date, or none that can be read.
    """
    code = next((code for code in DATES if code in told), "")
    if not code:
        raise WrongValue(_("Neither won nor lost: there is no date. An open deal is not imported."))
    at, is_date = csv_files.parse_moment(told[code], run.date_format, zoneinfo.ZoneInfo(run.timezone))
    return KINDS[code], at, is_date or at.astimezone(zone).time() == time()


def _worth(run: Import, told: Mapping[str, str]) -> tuple[Decimal | None, str]:
    """Return amount and currency; exports write 0 where nobody said.

    Raises:
        WrongValue: it is no amount, is negative, or has no currency.
    """
    if "revenue" not in told:
        return None, ""
    amount = csv_files.parse_amount(told["revenue"], run.decimal_mark)
    if amount < 0:
        raise WrongValue(_("An amount is 0 or more."))
    if not amount:
        return None, ""
    if amount > outcomes.LARGEST:
        raise WrongValue(_("This amount is too large to be right."))
    code = told.get("currency", "").upper() or csv_files.currency(told["revenue"])
    if code not in CODES:
        raise WrongValue(
            _("“%(amount)s” does not say its currency. Match a column with EUR, USD …") % {"amount": amount}
        )
    return amount, code


def _read(run: Import, row: Row, zone: zoneinfo.ZoneInfo, *, now: datetime) -> Deal:
    """Read a row.

    Raises:
        WrongValue: a cell cannot be read.
    """
    told, others = _cells(run, row)
    lead_key = told.get("external_id") or told.get("email", "")
    if not lead_key:
        raise WrongValue(_("The row does not say whose deal it is."))
    deal_id = told.get("deal_id") or lead_key
    too_long = [
        code for code in ("external_id", "deal_id", "owner", "handed_over_by") if len(told.get(code, "")) > LONGEST_ID
    ]
    if too_long:
        raise WrongValue(_("“%(label)s” has more than 190 characters.") % {"label": TARGETS[too_long[0]]})
    kind, at, is_date = _moment(run, told, zone)
    if at > now:
        raise WrongValue(_("The date is in the future."))
    if at.year < intake.EARLIEST_YEAR:
        raise WrongValue(_("The date is too long ago to be right."))
    amount, currency = _worth(run, told)
    return Deal(
        row=row,
        lead_key=lead_key,
        deal_id=deal_id[:LONGEST_ID],
        kind=kind,
        at=at,
        is_date=is_date,
        owner=told.get("owner", ""),
        handed_over_by=told.get("handed_over_by", ""),
        amount=amount if kind == Kind.WON else None,
        currency=currency if kind == Kind.WON else "",
        lost_because=(told.get("lost_because") or _("not said"))[:200] if kind == Kind.LOST else "",
        note=told.get("note", "")[:4000],
        attributes=others,
    )


def _zone_of_days(run: Import) -> zoneinfo.ZoneInfo:
    """Return the zone whose midnight means a day without a time: that of the system's leads, else the file's."""
    of_leads = (
        Import.objects.filter(kind=Import.Kind.LEADS, system=run.system)
        .exclude(timezone="")
        .order_by("-created_at")
        .values_list("timezone", flat=True)
        .first()
    )
    return zoneinfo.ZoneInfo(of_leads or run.timezone)


# --- A chunk


def _leads(run: Import, deals: Sequence[Deal]) -> None:
    """Find the leads of all deals in one query."""
    by_email = "external_id" not in run.mapping.values()
    keys = {deal.lead_key: identity.normal_email(deal.lead_key) if by_email else deal.lead_key for deal in deals}
    known = Identity.objects.filter(value__in=set(keys.values())).select_related("lead")
    if by_email:
        known = known.filter(kind=Identity.Kind.EMAIL)
    else:
        known = known.filter(kind=Identity.Kind.EXTERNAL, system=run.system)
    leads = {one.value: one.lead for one in known}
    for deal in deals:
        deal.lead = leads.get(keys[deal.lead_key])


def _people(run: Import, deals: Sequence[Deal]) -> dict[str, User]:
    """Find the people by their ids there; those whom nobody knows become inactive users."""
    names = {name for deal in deals for name in (deal.owner, deal.handed_over_by) if name}
    known = ExternalPerson.objects.filter(system=run.system, value__in=names).select_related("user")
    people = {one.value: one.user for one in known}
    new = sorted(names - set(people))
    if not new:
        return people
    by_email = {user.email.lower(): user for user in User.objects.filter(email__in=[name.lower() for name in new])}
    unknown = [name for name in new if name.lower() not in by_email]
    made = User.objects.bulk_create([_inactive(name, run.system) for name in unknown])
    found = dict(zip(unknown, made, strict=True)) | {
        name: by_email[name.lower()] for name in new if name.lower() in by_email
    }
    ExternalPerson.objects.bulk_create(
        [ExternalPerson(system=run.system, value=name, user=user) for name, user in found.items()]
    )
    return people | found


def _inactive(name: str, system: str) -> User:
    """Make a user who cannot sign in, under an address that cannot exist and is the only one of its kind."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{name}-{system}".lower()).strip("-")[:60] or "somebody"
    digest = hashlib.blake2b(f"{system}:{name}".encode(), digest_size=6).hexdigest()
    user = User(
        email=f"{slug}.{digest}@imported.invalid", name=_short(name, system), is_active=False, wants_email=False
    )
    user.set_unusable_password()
    return user


def _short(name: str, system: str) -> str:
    """Call a person as the file does; ids that nobody can read are cut."""
    if re.fullmatch(r"[0-9a-f-]{16,}", name, re.IGNORECASE):
        return f"{system} {name[:8]}"
    return name[:160]


def oddity(lead: Lead, *, at: datetime, is_date: bool, zone: zoneinfo.ZoneInfo) -> str:
    """Say what is odd about when a deal ended; where only a day is known, days are compared."""
    captured = lead.captured_at
    if captured is None:
        return ""
    if is_date or lead.captured_is_date:
        first: date | datetime = captured.astimezone(zone).date()
        is_before = at.astimezone(zone).date() < first
    else:
        is_before = at < captured
    return _("dated before the lead's first contact") if is_before else ""


def take_outcomes(run: Import, rows: Sequence[Row], now: datetime) -> list[Outcome]:
    """Take rows in as outcomes, in a fixed number of queries for those that are new.

    Args:
        run: matched.
        rows: a chunk; its transaction is the caller's.
        now: this moment.

    Returns:
        What became of each, in their order.
    """
    zone = _zone_of_days(run)
    found: dict[int, Outcome] = {}
    deals: list[Deal] = []
    seen: set[tuple[str, str]] = set()
    for row in rows:
        try:
            if row.problem:
                raise WrongValue(row.problem)
            deal = _read(run, row, zone, now=now)
            if deal.key in seen:
                raise WrongValue(_("An earlier row has the same deal."))
        except WrongValue as wrong:
            found[row.line] = Outcome(row, ImportRow.State.FAILED, str(wrong))
        else:
            seen.add(deal.key)
            deals.append(deal)
    _leads(run, deals)
    for deal in deals:
        if deal.lead is None:
            words = _("No lead has the id or address “%(key)s” of %(system)s. Import the leads first.")
            problem = words % {"key": deal.lead_key[:60], "system": run.system}
            found[deal.row.line] = Outcome(deal.row, ImportRow.State.FAILED, problem)
    told = [deal for deal in deals if deal.lead is not None]
    earlier = _earlier_in_file(run, told, zone, now=now)
    for deal in told:
        if deal.key in earlier:
            found[deal.row.line] = Outcome(deal.row, ImportRow.State.FAILED, _("An earlier row has the same deal."))
    told = [deal for deal in told if deal.key not in earlier]
    for outcome in _take(run, told, zone, now=now):
        found[outcome.row.line] = outcome
    return [found[row.line] for row in rows]


def _earlier_in_file(
    run: Import, deals: Sequence[Deal], zone: zoneinfo.ZoneInfo, *, now: datetime
) -> set[tuple[str, str]]:
    """Return the deals of these leads that an earlier chunk of the same file took in."""
    taken = ImportRow.objects.filter(run=run.pk, lead__in=[deal.lead for deal in deals if deal.lead])
    rows = taken.exclude(state=ImportRow.State.FAILED).values_list("line", "cells")
    return {_read(run, Row(line, tuple(cells)), zone, now=now).key for line, cells in rows}


def _take(run: Import, deals: Sequence[Deal], zone: zoneinfo.ZoneInfo, *, now: datetime) -> list[Outcome]:
    """Sort deals into what is there already, what belongs to a handoff of the portal, and what is past."""
    ids = {deal.deal_id for deal in deals}
    reports = OutcomeReport.objects.filter(system=run.system, external_id__in=ids).select_related("handoff__lead")
    known = {(one.external_id, str(one.kind)): one for one in reports}
    of_portal = _handoffs_of_portal([deal for deal in deals if deal.key not in known])
    found: list[Outcome] = []
    new: list[Deal] = []
    for deal in deals:
        assert deal.lead is not None
        report = known.get(deal.key)
        handoff = report.handoff if report else of_portal.get(deal.lead.pk)
        if report is not None and _is_same(report, deal):
            found.append(Outcome(deal.row, ImportRow.State.UNCHANGED, report.flag, deal.lead))
        elif handoff is not None:
            found.append(_report(run, deal, handoff, is_known=report is not None, now=now))
        else:
            new.append(deal)
    return [*found, *_bring_in(run, new, zone, now=now)]


def _is_same(report: OutcomeReport, deal: Deal) -> bool:
    said = (deal.at, deal.is_date, deal.amount, deal.currency, deal.lost_because, deal.note, deal.attributes)
    kept = (
        report.occurred_at,
        report.is_date,
        report.amount,
        report.currency,
        report.lost_because,
        report.note,
        report.attributes,
    )
    return said == kept


def _handoffs_of_portal(deals: Sequence[Deal]) -> dict[int, Handoff]:
    """Return the handoffs on which outcomes are reported as sales would: open ones, or the ones that ended so."""
    leads = [deal.lead.pk for deal in deals if deal.lead is not None]
    ended = Q(closed_because__in=(Because.WON, Because.LOST))
    handoffs = Handoff.objects.filter(Q(closed_at=None) | ended, lead__in=leads, is_notice=False, origin=Origin.LIVE)
    return {one.lead_id: one for one in handoffs.order_by("closed_at", "-pk")}


def _report(run: Import, deal: Deal, handoff: Handoff, *, is_known: bool, now: datetime) -> Outcome:
    """Report on a handoff as the pages and the API do."""
    try:
        with transaction.atomic():
            outcomes.report(
                handoff,
                by=None,
                kind=deal.kind,
                occurred_at=deal.at,
                now=now,
                amount=deal.amount,
                currency=deal.currency,
                lost_because=deal.lost_because,
                note=deal.note,
                system=run.system,
                external_id=deal.deal_id,
                is_date=deal.is_date,
                attributes=deal.attributes,
            )
    except Refused as refusal:
        return Outcome(deal.row, ImportRow.State.FAILED, " ".join(refusal.errors.values()), deal.lead)
    state = ImportRow.State.UPDATED if is_known else ImportRow.State.CREATED
    return Outcome(deal.row, state, "", deal.lead)


def _bring_in(run: Import, deals: Sequence[Deal], zone: zoneinfo.ZoneInfo, *, now: datetime) -> list[Outcome]:
    """Write deals of the past with their handoffs, people and stages, in bulk."""
    if not deals:
        return []
    people = _people(run, deals)
    flags: dict[int, str] = {}
    pasts: list[past.Past] = []
    for deal in deals:
        assert deal.lead is not None
        flags[deal.row.line] = oddity(deal.lead, at=deal.at, is_date=deal.is_date, zone=zone)
        pasts.append(
            past.Past(
                lead=deal.lead,
                because=ENDS[deal.kind],
                closed_at=deal.at,
                owner=people.get(deal.owner),
                handed_over_by=people.get(deal.handed_over_by),
                revenue=deal.amount,
                currency=deal.currency,
                is_date=deal.is_date,
                flag=flags[deal.row.line],
            )
        )
    handoffs = past.bring_in(pasts, now=now)
    OutcomeReport.objects.bulk_create(
        [
            OutcomeReport(
                handoff=handoff,
                kind=deal.kind,
                amount=deal.amount,
                currency=deal.currency,
                lost_because=deal.lost_because,
                note=deal.note,
                occurred_at=deal.at,
                is_date=deal.is_date,
                recorded_at=now,
                by=run.created_by,
                system=run.system,
                external_id=deal.deal_id,
                attributes=deal.attributes,
                flag=flags[deal.row.line],
            )
            for deal, handoff in zip(deals, handoffs, strict=True)
        ]
    )
    for kind, stage in ((Kind.LOST, Stage.LOST), (Kind.WON, Stage.CUSTOMER)):
        ended = {deal.lead.pk: deal.at for deal in deals if deal.kind == kind and deal.lead is not None}
        stages.move_each(ended, to=stage)
    return [Outcome(deal.row, ImportRow.State.CREATED, flags[deal.row.line], deal.lead) for deal in deals]
