"""Missing: open leads by the one thing that keeps each from being qualified, to fill in place, and the idle ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Q
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from leads import asking, criteria, lists, missing
from leads.models import Asking, Interaction, Lead
from leads.qualification import CriterionState
from leads.querysets import LeadQuerySet
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from leadsla.display import number
from leadsla.home import whose
from leadsla.home.downloads import csv_file, in_pieces
from leadsla.home.parts import page_or_part
from leadsla.home.whose import Whose

PER_PAGE = 50
DAYS = (14, 30, 60, 90)
USUAL_DAYS = 30


class Wanted(forms.Form):
    """What of the list is wanted, from the address."""

    group = forms.ChoiceField(label=gettext_lazy("Missing"), required=False)
    whose = forms.ChoiceField(label=gettext_lazy("Whose"), choices=Whose.choices, required=False)
    days = forms.TypedChoiceField(
        label=gettext_lazy("Idle for"), choices=[(days, days) for days in DAYS], coerce=int, required=False
    )
    text = forms.CharField(label=gettext_lazy("Text"), max_length=200, required=False)

    def __init__(self, request: SignedInRequest, *, groups: Sequence[str]) -> None:
        super().__init__(request.GET)
        self.user = request.user
        field = self.fields["group"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(code, code) for code in groups]
        self.is_right = self.is_valid()

    @property
    def of_whom(self) -> str:
        """Return whose leads are wanted; what is wrong or missing falls back to what is usual."""
        return str(self.cleaned_data.get("whose") or whose.usual(self.user))

    @property
    def idle_days(self) -> int:
        """Return after how many days a lead counts as idle."""
        return int(self.cleaned_data.get("days") or USUAL_DAYS)


@dataclass
class Row:
    """One lead of the list, with all that its line shows."""

    lead: Lead
    states: list[CriterionState]
    short: str
    last: Interaction | None
    link: Asking | None
    is_editable: bool
    line: Decimal | None
    now: datetime

    @property
    def is_under(self) -> bool:
        """Tell whether the score is below the line from which it counts as qualified."""
        return self.line is not None and self.lead.score is not None and self.lead.score < self.line

    @property
    def asked(self) -> str:
        """Say how the newest link that asks the lead stands; "" where there is none."""
        return asking.in_words(self.link, now=self.now) if self.link else ""

    @property
    def may_be_asked(self) -> bool:
        """Tell whether a link can help: the lead may be asked, and no link is open."""
        if not self.is_editable or not self.states or asking.why_not(self.lead):
            return False
        return self.link is None or asking.standing(self.link, now=self.now) in {"answered", "expired", "withdrawn"}


def population(user: User, wanted: Wanted) -> LeadQuerySet:
    """Return the leads among which a person looks."""
    leads = Lead.objects.living().visible_to(user)
    leads = leads.filter(whose.rows(user, wanted.of_whom, owner="owner", team="team"))
    text = str(wanted.cleaned_data.get("text") or "")
    return lists.written_in(leads, text) if text else leads


def rows_of(leads: Sequence[Lead], *, group: str, user: User, now: datetime) -> list[Row]:
    """Return leads with what their lines show; the number of queries does not grow with the number of leads."""
    states = criteria.criteria_of(leads, now=now)
    last = lists.last_interactions(leads, now=now)
    line = lists.lines(leads, now=now)
    links = asking.latest(leads)
    editable = set(
        Lead.objects.editable_by(user).filter(pk__in=[lead.pk for lead in leads]).values_list("pk", flat=True)
    )
    code = group.removeprefix(missing.CRITERION)
    return [
        Row(
            lead,
            states=[
                state
                for state in states.get(lead.pk, [])
                if (state.is_missing if group == missing.IDLE else state.code == code)
            ],
            short=_short(lead, group, line.get(lead.pk)),
            last=last.get(lead.pk),
            link=links.get(lead.pk),
            is_editable=lead.pk in editable,
            line=line.get(lead.pk),
            now=now,
        )
        for lead in leads
    ]


def _short(lead: Lead, group: str, line: Decimal | None) -> str:
    """Say how much is missing where it is no criterion."""
    if group == missing.SCORE and line is not None:
        return _("%(points)s points short of %(line)s") % {
            "points": number(line - (lead.score or Decimal(0)), 1),
            "line": number(line, 0),
        }
    if group == missing.INTEREST:
        counted = ngettext("%(n)d interaction that counts", "%(n)d interactions that count", lead.counted_interactions)
        return _("intent %(points)s, %(counted)s") % {
            "points": number(lead.intent or Decimal(0), 1),
            "counted": counted % {"n": lead.counted_interactions},
        }
    return ""


def _chosen(leads: LeadQuerySet, group: str, *, days: int, now: datetime) -> LeadQuerySet:
    if group == missing.IDLE:
        return missing.idle(leads, days=days, now=now)
    return lists.ordered(missing.one_thing_away(leads, now=now).filter(Q(lacks_only=group)), "-score")


def _csv(leads: LeadQuerySet, *, group: str, label: str, user: User, now: datetime) -> HttpResponseBase:
    header = [
        _("id"),
        _("name"),
        _("job title"),
        _("company"),
        _("e-mail"),
        _("phone"),
        _("stage"),
        _("score"),
        _("missing"),
        _("how far"),
        _("last interaction"),
        _("last interaction at"),
        _("asked"),
        _("marketer"),
    ]
    rows = _csv_rows(leads, group=group, label=label, user=user, now=now)
    return csv_file(f"missing-{group}-{now:%Y-%m-%d}", header, rows)


def _csv_rows(leads: LeadQuerySet, *, group: str, label: str, user: User, now: datetime) -> Iterator[Sequence[object]]:
    for piece in in_pieces(leads):
        for row in rows_of(piece, group=group, user=user, now=now):
            lead = row.lead
            yield (
                lead.public_id,
                lead.name,
                lead.title,
                lead.company_name,
                lead.email,
                lead.phone,
                lead.get_stage_display(),
                lead.score,
                ", ".join(state.label for state in row.states) or label,
                row.short,
                row.last.get_kind_display() if row.last else "",
                row.last.occurred_at if row.last else None,
                row.asked,
                lead.owner or "",
            )


@requires(Act.EDIT_LEADS)
@require_safe
def missing_list(request: SignedInRequest) -> HttpResponseBase:
    """List open leads by the one thing that they lack, or that are idle; as CSV with `format=csv`."""
    now = clock.now()
    labels = missing.labels(now=now)
    wanted = Wanted(request, groups=[*labels, missing.IDLE])
    leads = population(request.user, wanted)
    groups = missing.groups(leads, labels=labels, now=now)
    group = str(wanted.cleaned_data.get("group") or (groups[0].code if groups else missing.IDLE))
    chosen = _chosen(leads, group, days=wanted.idle_days, now=now).select_related("company", "first_source", "owner")
    if wanted.is_right and request.GET.get("format") == "csv":
        return _csv(chosen, group=group, label=labels.get(group, ""), user=request.user, now=now)
    page = Paginator(chosen, PER_PAGE).get_page(request.GET.get("page"))
    text = str(wanted.cleaned_data.get("text") or "")
    idle = missing.idle(leads, days=wanted.idle_days, now=now).order_by().count()
    context: dict[str, Any] = {
        "now": now,
        "wanted": wanted,
        "group": group,
        "groups": [*groups, missing.Group(missing.IDLE, _("Idle"), idle)],
        "label": labels.get(group, ""),
        "open": missing.open_leads(leads, now=now).count(),
        "near": sum(each.leads for each in groups),
        "whose": wanted.of_whom,
        "whose_choices": Whose.choices,
        "days": wanted.idle_days,
        "days_choices": DAYS,
        "is_idle": group == missing.IDLE,
        "page": page,
        "rows": rows_of(list(page.object_list), group=group, user=request.user, now=now),
        "here": request.get_full_path(),
        "kept": [("group", group), ("whose", wanted.of_whom), ("days", wanted.idle_days)],
        "search": {"name": "text", "value": text, "placeholder": _("Name, e-mail or company")},
        "reset_url": f"{reverse('home:missing')}?{urlencode({'group': group, 'whose': wanted.of_whom})}"
        if text
        else "",
    }
    status = 200 if wanted.is_right else 400
    return page_or_part(request, "home/missing.html", "home/_missing.html", context, status=status)
