"""Acceptance: which handed over leads sales accepts, and which leads become customers, imported history included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t
from django.views.decorators.http import require_safe

from leads import scoring
from leads.models import Identity, Origin
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from leadsla.home.downloads import csv_file
from leadsla.home.parts import page_or_part
from sla import acceptance as rates
from sla import periods
from sla.acceptance import Conversion
from sla.models import AcceptanceRate
from sla.periods import Period

FEW = 5  # cases below which a rate is greyed
MOST = 50  # rows of one dimension
Dimension = AcceptanceRate.Dimension


def _is_in_reach(day: date) -> None:
    if not periods.is_in_reach(day):
        raise forms.ValidationError(_("No lead is from %(year)d. Give a day nearer to today.") % {"year": day.year})


class Wanted(forms.Form):
    """What is wanted, from the address."""

    period = forms.CharField(label=_t("Month"), required=False, max_length=10)
    by = forms.ChoiceField(
        label=_t("By"), required=False, choices=[choice for choice in Dimension.choices if choice[0] != Dimension.ALL]
    )
    origin = forms.ChoiceField(label=_t("Live and imported"), required=False, choices=Origin.choices)
    system = forms.ChoiceField(label=_t("Any system"), required=False)
    since = forms.DateField(label=_t("First contact from"), required=False, validators=[_is_in_reach])
    until = forms.DateField(label=_t("First contact until"), required=False, validators=[_is_in_reach])

    def __init__(self, request: SignedInRequest) -> None:
        super().__init__(request.GET)
        systems = Identity.objects.exclude(system="").order_by("system").values_list("system", flat=True).distinct()
        field = self.fields["system"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(system, system) for system in systems]

    def clean_period(self) -> str:
        """Refuse what is no month."""
        text = str(self.cleaned_data["period"])
        if text and periods.read(text) is None:
            raise forms.ValidationError(_("“%(text)s” is not a month; write it as 2026-03.") % {"text": text})
        return text

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first one."))
        return self.cleaned_data

    def value(self, name: str) -> Any:
        """Return what is wanted; "" when it is not given or wrong."""
        return self.cleaned_data.get(name) or ""


@requires(Act.SEE_SCOREBOARD)
@require_safe
def acceptance(request: SignedInRequest) -> HttpResponseBase:
    """Show acceptance by source, campaign, team, person and band, and conversion by source; CSV with `format`."""
    now = clock.now()
    wanted = Wanted(request)
    is_right = wanted.is_valid()
    month = rates.month_of(now=now, period=periods.read(str(wanted.value("period"))))
    by = str(wanted.value("by") or Dimension.SOURCE)
    found = list(
        AcceptanceRate.objects.visible_to(request.user).filter(
            period_start=month.start, dimension__in=(by, Dimension.ALL)
        )
    )
    shown = _rates([row for row in found if row.dimension == by], by)
    if is_right and request.GET.get("format") == "acceptance":
        return _acceptance_csv(shown, month)
    converted = _conversions(wanted)
    if is_right and request.GET.get("format") == "customers":
        return _customers_csv(converted, now=now)
    context = {
        "now": now,
        "wanted": wanted,
        "month": month,
        "by": by,
        "dimensions": Wanted.base_fields["by"].choices,  # type: ignore[attr-defined]  # of a choice field
        "months": _months(now=now),
        "rates": shown[:MOST],
        "rates_more": max(0, len(shown) - MOST),
        "rates_all": next(iter(_rates([row for row in found if row.dimension == Dimension.ALL], Dimension.ALL)), None),
        "as_of": max((row.computed_at for row in found), default=None),
        "customers": [
            _customer(row, wanted, request.user) for row in sorted(converted, key=lambda row: row.leads < FEW)
        ],
        "customers_all": _all_customers(converted, wanted, request.user),
        "filters": _filters(wanted),
        "kept": [(name, wanted.data[name]) for name in ("period", "by") if wanted.data.get(name)],
        "reset_url": f"{reverse('home:acceptance')}?{urlencode({'period': month.code, 'by': by})}",
    }
    return page_or_part(
        request, "home/acceptance.html", "home/_acceptance.html", context, status=200 if is_right else 400
    )


# --- handed over leads


def _label(row: AcceptanceRate) -> str:
    without = {
        Dimension.SOURCE: _("No source"),
        Dimension.CAMPAIGN: _("No campaign"),
        Dimension.TEAM: _("No team"),
        Dimension.PERSON: _("Nobody: in a team's queue"),
        Dimension.BAND: _("No score"),
        Dimension.ALL: _("All"),
    }
    if row.dimension == Dimension.BAND and row.key:
        return {code: label for code, label, _low, _high in scoring.bands()}.get(row.key, row.key)
    return row.label or str(without[Dimension(row.dimension)])


def _rates(rows: Sequence[AcceptanceRate], by: str) -> list[dict[str, Any]]:
    """Return rates as interval rows: bands from high to low, the rest by value, few cases last."""
    shown = [
        {
            "label": _label(row),
            "rate": row.rate,
            "low": row.low,
            "high": row.high,
            "done": row.accepted,
            "cases": row.decided,
            "is_few": row.decided < FEW,
            "handed_over": row.handed_over,
            "left_out": row.left_out,
            "won": row.won,
            "key": row.key,
            "url": "",
        }
        for row in rows
    ]
    if by == Dimension.BAND:
        places = {code: place for place, (code, _label, _low, _high) in enumerate(scoring.bands())}
        return sorted(shown, key=lambda row: -places.get(str(row["key"]), -1))
    return sorted(shown, key=lambda row: (row["is_few"], -(row["rate"] or 0), -row["cases"], row["label"]))


def _months(*, now: datetime) -> list[tuple[str, str]]:
    starts = AcceptanceRate.objects.order_by("-period_start").values_list("period_start", flat=True).distinct()[:24]
    known = {rates.month_of(now=now).start, *starts}
    months = [rates.month_of(now=now, period=start) for start in sorted(known, reverse=True)]
    return [(month.code, month.label) for month in months]


def _acceptance_csv(rows: Sequence[dict[str, Any]], month: Period) -> HttpResponseBase:
    columns = ("label", "handed_over", "cases", "done", "left_out", "won", "rate", "low", "high")
    header = [
        _("name"), _("handed over"), _("decided"), _("accepted"), _("left out"), _("won"), _("rate"), _("low"),
        _("high"),
    ]  # fmt: skip
    return csv_file(f"acceptance-{month.code}", header, ([row[column] for column in columns] for row in rows))


# --- from lead to customer


def _conversions(wanted: Wanted) -> list[Conversion]:
    since, until = wanted.value("since"), wanted.value("until")
    leads = rates.living_leads(
        origin=str(wanted.value("origin")),
        system=str(wanted.value("system")),
        since=periods.midnight(since, settings.TIME_ZONE) if since else None,
        until=periods.midnight(until + timedelta(days=1), settings.TIME_ZONE) if until else None,
    )
    return rates.conversions(leads)


def _customer(row: Conversion, wanted: Wanted, user: User, *, label: str = "") -> dict[str, Any]:
    return {
        "label": label or row.label or _("No source"),
        "rate": row.rate,
        "low": row.low,
        "high": row.high,
        "done": row.customers,
        "cases": row.leads,
        "is_few": row.leads < FEW,
        "url": _leads_url(row, wanted, user),
    }


def _all_customers(rows: Sequence[Conversion], wanted: Wanted, user: User) -> dict[str, Any] | None:
    whole = rates.total(rows)
    return _customer(whole, wanted, user, label=_("All")) if whole else None


def _leads_url(row: Conversion, wanted: Wanted, user: User) -> str:
    """Return the address of the leads of a source; "" where the list of leads cannot show exactly these."""
    is_narrowed = any(wanted.value(name) for name in ("origin", "system", "since", "until"))
    if is_narrowed or not row.code or not may(user, Act.EDIT_LEADS):
        return ""
    parameters = {"stage": "customer", "whose": "all", "source": row.code}
    return f"{reverse('home:my_leads')}?{urlencode(parameters)}"


def _customers_csv(rows: Sequence[Conversion], *, now: datetime) -> HttpResponseBase:
    header = [_("source"), _("leads"), _("customers"), _("rate"), _("low"), _("high")]
    lines = ((row.label or _("No source"), row.leads, row.customers, row.rate, row.low, row.high) for row in rows)
    return csv_file(f"customers-by-source-{now:%Y-%m-%d}", header, lines)


def _filters(wanted: Wanted) -> list[dict[str, Any]]:
    found = []
    for name in ("origin", "system"):
        field = wanted.fields[name]
        assert isinstance(field, forms.ChoiceField)
        choices = [choice for choice in field.widget.choices if choice[0]]
        if choices:
            found.append({"name": name, "label": field.label, "value": wanted.value(name), "choices": choices})
    return found
