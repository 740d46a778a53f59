"""My leads: marketing's leads by tab, what each lacks to be qualified, and handing over what is ready."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from leads import duplicates, lists, qualification
from leads.lists import Tab
from leads.models import Interaction, Lead, Origin, Stage
from leads.qualification import CriterionState
from leads.querysets import LeadQuerySet
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from leadsla.home import whose
from leadsla.home.downloads import csv_file, in_pieces
from leadsla.home.parts import page_or_part
from leadsla.home.whose import Whose
from sla import clocks
from sla.countdown import Countdown, countdown
from sla.models import Clock, Commitment, Handoff

PER_PAGE = 50
USUAL_ORDER = {
    Tab.INQUIRY.value: "-captured",
    Tab.HANDED_OVER.value: "-since",
    Tab.ACCEPTED.value: "-since",
    Tab.OPPORTUNITY.value: "-since",
    Tab.CUSTOMER.value: "-since",
    Tab.ENDED.value: "-since",
}
NOT_QUALIFIED_YET = (Stage.INQUIRY, Stage.NURTURING, Stage.QUALIFIED)
WITH_SALES = (Stage.HANDED_OVER, Stage.ACCEPTED, Stage.OPPORTUNITY, Stage.CUSTOMER, Stage.LOST, Stage.DISQUALIFIED)


class Wanted(forms.Form):
    """What of the list is wanted, from the address."""

    stage = forms.ChoiceField(label=gettext_lazy("Stage"), choices=Tab.choices, required=False)
    whose = forms.ChoiceField(label=gettext_lazy("Whose"), choices=Whose.choices, required=False)
    source = forms.ChoiceField(label=gettext_lazy("Source"), required=False)
    campaign = forms.ChoiceField(label=gettext_lazy("Campaign"), required=False)
    missing = forms.ChoiceField(label=gettext_lazy("Missing"), required=False)
    text = forms.CharField(label=gettext_lazy("Text"), max_length=200, required=False)
    sort = forms.ChoiceField(
        label=gettext_lazy("Order"),
        choices=[(sign + key, sign + key) for key in lists.ORDERS for sign in ("", "-")],
        required=False,
    )

    def __init__(self, request: SignedInRequest, *, now: datetime) -> None:
        super().__init__(request.GET)
        self.user = request.user
        choices = {
            "source": lists.source_choices(chosen=request.GET.get("source", "")),
            "campaign": lists.campaign_choices(chosen=request.GET.get("campaign", "")),
            "missing": lists.criterion_choices(now=now),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = rows

    def value(self, name: str) -> str:
        """Return what is wanted; what is wrong or missing falls back to what is usual."""
        given = str(self.cleaned_data.get(name) or "")
        if given:
            return given
        if name == "stage":
            return Tab.READY
        if name == "whose":
            return whose.usual(self.user)
        return USUAL_ORDER.get(self.value("stage"), "-score") if name == "sort" else ""


@dataclass
class Row:
    """One lead of the list, with all that its line shows."""

    lead: Lead
    missing: list[CriterionState]
    last: Interaction | None
    is_editable: bool
    why_not: str
    handoff: Handoff | None
    countdown: Countdown | None
    line: Decimal | None
    now: datetime

    @property
    def is_under(self) -> bool:
        """Tell whether the score is below the line from which it counts as qualified."""
        return self.line is not None and self.lead.score is not None and self.lead.score < self.line

    @property
    def is_with_sales(self) -> bool:
        """Tell whether sales has or had the lead."""
        return self.lead.stage in WITH_SALES

    @property
    def is_complete(self) -> bool:
        """Tell whether a lead that is not with sales lacks no criterion."""
        return not self.missing and self.lead.stage in NOT_QUALIFIED_YET

    @property
    def rests_until(self) -> datetime | None:
        """Return until when a recycled lead rests; None when it does not."""
        until = self.lead.recycled_until
        return until if until is not None and until > self.now and self.lead.stage in lists.RESTING else None

    @property
    def since_is_day(self) -> bool:
        """Tell whether only the day is known on which the lead came into its stage: it was imported."""
        return self.lead.origin == Origin.IMPORT and (self.handoff is None or self.handoff.moments_are_dates)


class CountedPaginator(Paginator[Lead]):
    """Pages over rows whose number is known already."""

    def __init__(self, rows: LeadQuerySet, per_page: int, *, total: int) -> None:
        self._total = total
        super().__init__(rows, per_page)

    @cached_property
    def count(self) -> int:
        """Return the number that the tabs counted."""
        return self._total


def population(user: User, wanted: Wanted, *, now: datetime) -> LeadQuerySet:
    """Return the leads that a person's filters choose, over all tabs."""
    leads = Lead.objects.living().visible_to(user)
    leads = leads.filter(whose.rows(user, wanted.value("whose"), owner="owner", team="team"))
    if wanted.value("source"):
        leads = leads.filter(first_source__code=wanted.value("source"))
    if wanted.value("campaign"):
        leads = leads.filter(last_campaign__code=wanted.value("campaign"))
    if wanted.value("text"):
        leads = lists.written_in(leads, wanted.value("text"))
    if wanted.value("missing"):
        leads = lists.lacking(leads, wanted.value("missing"), now=now)
    return leads


def _latest_handoffs(leads: Sequence[Lead]) -> dict[int, Handoff]:
    ids = [lead.pk for lead in leads if lead.stage in WITH_SALES]
    if not ids:
        return {}
    rows = Handoff.objects.filter(lead__in=ids, leg=1).order_by("lead_id", "-recorded_at", "-pk").distinct("lead_id")
    return {row.lead_id: row for row in rows.select_related("owner", "to_team")}


def _hand_over_clocks(leads: Sequence[Lead], *, now: datetime) -> dict[int, Clock]:
    """Return marketing's own clock of each lead that waits to be handed over."""
    rows = Clock.objects.running().filter(lead__in=leads, handoff=None, measure=Commitment.Measure.HAND_OVER)
    rows = rows.filter(started_at__lte=now).select_related("calendar_version").order_by("-due_at", "pk")
    return {row.lead_id: row for row in rows}


def rows_of(leads: Sequence[Lead], *, user: User, now: datetime, with_clocks: bool = True) -> list[Row]:
    """Return leads with what their lines show; the number of queries does not grow with the number of leads."""
    open_ones = [lead for lead in leads if lead.stage in NOT_QUALIFIED_YET]
    missing = qualification.missing(open_ones, now=now) if open_ones else {}
    ready = [lead for lead in leads if lead.stage == Stage.QUALIFIED]
    refusals = qualification.refusals(ready, now=now) if ready else {}
    last = lists.last_interactions(leads, now=now)
    editable = set(
        Lead.objects.editable_by(user).filter(pk__in=[lead.pk for lead in leads]).values_list("pk", flat=True)
    )
    handoffs = _latest_handoffs(leads)
    line = lists.lines(leads, now=now)
    going = [handoff for handoff in handoffs.values() if handoff.closed_at is None]
    worst = clocks.worst(going, now=now) if with_clocks and going else {}
    own = _hand_over_clocks(ready, now=now) if with_clocks and ready else {}
    found = []
    for lead in leads:
        handoff = handoffs.get(lead.pk)
        running = own.get(lead.pk) or (worst.get(handoff.pk) if handoff else None)
        found.append(
            Row(
                lead,
                missing=missing.get(lead.pk, []),
                last=last.get(lead.pk),
                is_editable=lead.pk in editable,
                why_not=refusals.get(lead.pk, ""),
                handoff=handoff,
                countdown=countdown(running, now=now) if running else None,
                line=line.get(lead.pk),
                now=now,
            )
        )
    return found


def _csv_rows(leads: LeadQuerySet, *, user: User, now: datetime) -> Iterator[Sequence[object]]:
    for piece in in_pieces(leads):
        for row in rows_of(piece, user=user, now=now, with_clocks=False):
            lead = row.lead
            yield (
                lead.public_id,
                lead.name,
                lead.title,
                lead.company_name,
                lead.email,
                lead.phone,
                lead.get_stage_display(),
                lead.stage_since,
                None if lead.score is None else lead.score,
                lead.grade,
                ", ".join(str(criterion.label) for criterion in row.missing),
                lead.first_source.name if lead.first_source else "",
                lead.last_campaign.name if lead.last_campaign else "",
                row.last.get_kind_display() if row.last else "",
                row.last.occurred_at if row.last else None,
                lead.owner or "",
                lead.recycled_until,
                lead.recycled_because,
            )


def _csv(leads: LeadQuerySet, *, user: User, tab: str, now: datetime) -> HttpResponseBase:
    header = [
        _("id"),
        _("name"),
        _("job title"),
        _("company"),
        _("e-mail"),
        _("phone"),
        _("stage"),
        _("in it since"),
        _("score"),
        _("grade"),
        _("missing"),
        _("first source"),
        _("last campaign"),
        _("last interaction"),
        _("last interaction at"),
        _("marketer"),
        _("recycled until"),
        _("recycled because"),
    ]
    return csv_file(f"leads-{tab}-{now:%Y-%m-%d}", header, _csv_rows(leads, user=user, now=now))


def _filters(wanted: Wanted) -> list[dict[str, Any]]:
    found = []
    for name in ("source", "campaign", "missing"):
        field = wanted.fields[name]
        assert isinstance(field, forms.ChoiceField)
        found.append({"name": name, "label": field.label, "value": wanted.value(name), "choices": field.choices})
    return found


@requires(Act.EDIT_LEADS)
@require_safe
def my_leads(request: SignedInRequest) -> HttpResponseBase:
    """List marketing's leads by tab; as CSV with `format=csv`, as a fragment for HTMX."""
    now = clock.now()
    wanted = Wanted(request, now=now)
    is_right = wanted.is_valid()
    leads = population(request.user, wanted, now=now)
    tab = wanted.value("stage")
    counted = lists.counts(leads, now=now)
    chosen = lists.ordered(lists.in_tab(leads, tab, now=now), wanted.value("sort"))
    chosen = chosen.select_related("company", "first_source", "last_campaign", "owner", "team")
    if is_right and request.GET.get("format") == "csv":
        return _csv(chosen, user=request.user, tab=tab, now=now)
    page = CountedPaginator(chosen, PER_PAGE, total=counted[tab]).get_page(request.GET.get("page"))
    is_filtered = any(wanted.value(name) for name in ("source", "campaign", "missing", "text"))
    unfiltered = f"{reverse('home:my_leads')}?{urlencode({'stage': tab, 'whose': wanted.value('whose')})}"
    context = {
        "now": now,
        "wanted": wanted,
        "tab": tab,
        "tabs": [(code, label, counted[code]) for code, label in Tab.choices],
        "is_with_sales": tab in lists.STAGES and lists.STAGES[tab][0] in WITH_SALES and tab != Tab.ENDED,
        "whose": wanted.value("whose"),
        "whose_choices": Whose.choices,
        "filters": _filters(wanted),
        "is_filtered": is_filtered,
        "sort": wanted.value("sort"),
        "counts": counted,
        "page": page,
        "rows": rows_of(list(page.object_list), user=request.user, now=now),
        "may_hand_over": may(request.user, Act.HAND_OVER),
        "duplicates": 0 if request.htmx else duplicates.open_for(request.user).count(),
        "here": request.get_full_path(),
        "kept": [("stage", tab), ("whose", wanted.value("whose"))],
        "search": {"name": "text", "value": wanted.value("text"), "placeholder": _("Name, e-mail or company")},
        "reset_url": unfiltered if is_filtered else "",
    }
    return page_or_part(request, "home/my_leads.html", "home/_my_leads.html", context, status=200 if is_right else 400)
