"""The lead page: score and criteria, story, handoffs, facts and changes of one lead, and handing it over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from leads import asking, changes, duplicates, intake, profile, qualification, scoring
from leads.models import ASKED_KINDS, Interaction, InteractionKind, Lead, Stage
from leads.qualification import CriterionState
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from leadsla.display import day_text, moment_text
from leadsla.home import handoff_story, score_course
from leadsla.home.parts import page_or_part
from leadsla.home.reach import leads_visible_to
from sla import gate
from sla.models import Handoff

PER_PAGE = 50
STEPS_OF_MERGES = 20  # a lead merged into one that was merged …
BEFORE_HANDOVER = (Stage.INQUIRY, Stage.NURTURING, Stage.QUALIFIED)


class InteractionForm(forms.Form):
    """Something that a lead did and nobody's system noticed."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What happened"),
        choices=[(value, label) for value, label in InteractionKind.choices if value != InteractionKind.IMPORTED],
    )
    occurred_at = forms.DateTimeField(
        label=gettext_lazy("When"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=gettext_lazy("In your time zone; empty for now."),
    )
    detail = forms.CharField(
        label=gettext_lazy("What exactly"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("The page, the webinar, what they said."),
    )
    key = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=uuid4)  # a double click records once


# --- Loading


def find(user: User, public_id: UUID) -> Lead:
    """Return the living lead under an id; of a merged one, the lead that was kept.

    Raises:
        Http404: there is none, or the person does not see it.
    """
    related = ("company", "owner", "team", "first_source", "last_source", "first_campaign", "last_campaign")
    lead = get_object_or_404(Lead.objects.select_related("merged_into", *related), public_id=public_id)
    for _step in range(STEPS_OF_MERGES):
        if lead.merged_into_id is None:
            break
        lead = Lead.objects.select_related("merged_into", *related).get(pk=lead.merged_into_id)
    if not leads_visible_to(user).filter(pk=lead.pk).exists():
        raise Http404
    return lead


def is_editable(user: User, lead: Lead) -> bool:
    """Tell whether a person may edit a lead."""
    return may(user, Act.EDIT_LEADS) and Lead.objects.editable_by(user).filter(pk=lead.pk).exists()


# --- Header


def standing(lead: Lead, *, now: datetime) -> list[str]:
    """Say in words what stands in the way of a lead: excluded, blocked, not to be contacted, resting."""
    found = []
    if lead.excluded_because:
        why = {
            "competitor": _("It works for a competitor"),
            "own_domain": _("It is one of our own"),
            "test": _("It is a test"),
        }.get(lead.excluded_because, _("It is excluded"))
        found.append(_("%(why)s: not scored, not handed over.") % {"why": why})
    if lead.blocked_at is not None:
        day = day_text(lead.blocked_at, now)
        found.append(_("Blocked since %(day)s: never judged nor handed over again.") % {"day": day})
    if lead.suppressed_at is not None:
        day = day_text(lead.suppressed_at, now)
        found.append(_("Not to be contacted, since %(day)s: asked us not to, or never consented.") % {"day": day})
    if lead.unsubscribed_at is not None:
        day = day_text(lead.unsubscribed_at, now)
        found.append(_("Unsubscribed from e-mails on %(day)s: engagement counts 0.") % {"day": day})
    if lead.recycled_until is not None and lead.recycled_until > now:
        words = {"day": day_text(lead.recycled_until, now), "why": lead.recycled_because or _("no reason given")}
        found.append(_("Rests until %(day)s: %(why)s. A new request to be contacted ends it.") % words)
    if lead.stage == Stage.DISQUALIFIED and lead.disqualified_because:
        found.append(_("Disqualified: %(why)s.") % {"why": lead.disqualified_because})
    return found


@dataclass(frozen=True)
class Handover:
    """What the header offers: the button, or why not.

    Attributes:
        is_shown: the person may hand leads over and this one is not with sales.
        is_open: the button works.
        why_not: what is written under it when it does not, or what went wrong last time.
        may_override: a manager may hand over all the same, with a reason.
    """

    is_shown: bool
    is_open: bool = False
    why_not: str = ""
    may_override: bool = False


def handover_of(lead: Lead, *, user: User, can_edit: bool, now: datetime) -> Handover:
    """Return whether a lead can be handed over by a person now, or why not."""
    if not may(user, Act.HAND_OVER) or lead.stage not in BEFORE_HANDOVER:
        return Handover(is_shown=False)
    if not can_edit:
        return Handover(is_shown=True, why_not=_("It belongs to another team."))
    refusal = gate.why_not(lead, now=now)
    if not refusal:
        return Handover(is_shown=True, is_open=True, why_not=lead.handover_error)
    barred = bool(lead.excluded_because) or lead.blocked_at is not None or lead.suppressed_at is not None
    return Handover(is_shown=True, why_not=refusal, may_override=not barred and may(user, Act.OVERRIDE_GATE))


# --- Tabs: each returns what its fragment shows


def criteria_shown(lead: Lead, states: list[CriterionState], *, can_edit: bool, now: datetime) -> list[dict[str, Any]]:
    """Return criteria as `components/_criteria.html` shows them."""
    found = []
    for state in states:
        when = day_text(state.when, now) if state.when else ""
        opens = ""
        if can_edit:
            back = urlencode({"next": reverse("home:lead", args=(lead.public_id,))})
            opens = f"{reverse('leads:answer_criterion', args=(lead.public_id, state.code))}?{back}"
        found.append(
            {
                "code": state.code if can_edit else "",
                "label": state.label,
                "verdict": state.verdict,
                "evidence": state.evidence,
                "by": ", ".join(part for part in (str(state.who or ""), when) if part),
                "is_required": state.is_required,
                "field": profile.label(state.field) if state.field else _("answer"),
                "field_url": opens,
            }
        )
    return found


def _score_tab(request: SignedInRequest, lead: Lead, context: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    states: list[CriterionState] = context["states"]
    explanation = scoring.explain(lead)
    link = asking.latest([lead]).get(lead.pk)
    may_ask = context["can_edit"] and not asking.why_not(lead)
    return {
        "may_ask": may_ask and bool(asking.open_questions(lead, now=now, known=states)),
        "asked": asking.in_words(link, now=now) if link else "",
        "criteria": criteria_shown(lead, states, can_edit=context["can_edit"], now=now),
        "met": sum(1 for state in states if state.verdict == "met"),
        "definition": context["definition"],
        "explanation": explanation,
        "waterfall": explanation.waterfall,
        "course": score_course.drawn(lead, explanation, now=now),
        "below": -explanation.over,
    }


def _event(row: Interaction, *, now: datetime) -> dict[str, Any]:
    when = day_text(row.occurred_at, now) if row.is_date else moment_text(row.occurred_at, now)
    place = " · ".join(str(part.name) for part in (row.source, row.campaign) if part is not None)
    return {
        "when_text": when,
        "text": row.get_kind_display(),
        "more": " · ".join(part for part in (row.detail, place, str(row.by or "")) if part),
        "is_hot": row.kind in ASKED_KINDS,
    }


def _story_tab(request: SignedInRequest, lead: Lead, context: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    rows = lead.interactions.select_related("source", "campaign", "by")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "events": [_event(row, now=now) for row in page],
        "form": context.get("form") or InteractionForm(),
    }


def _handoffs_tab(request: SignedInRequest, lead: Lead, context: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    visible = Handoff.objects.visible_to(request.user).filter(lead=lead)
    return {"handoffs": handoff_story.told(visible, now=now)}


def _facts_tab(request: SignedInRequest, lead: Lead, context: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    return {"groups": profile.groups(lead, now=now)}


def _changes_tab(request: SignedInRequest, lead: Lead, context: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    return {"changes": changes.of_lead(lead)}


Tab = Callable[..., dict[str, Any]]
TABS: dict[str, tuple[Any, str, Tab]] = {
    "score": (gettext_lazy("Score and criteria"), "home/_lead_score.html", _score_tab),
    "story": (gettext_lazy("Story"), "home/_lead_story.html", _story_tab),
    "handoffs": (gettext_lazy("Handoffs"), "home/_lead_handoffs.html", _handoffs_tab),
    "facts": (gettext_lazy("Facts"), "home/_lead_facts.html", _facts_tab),
    "changes": (gettext_lazy("Changes"), "home/_lead_changes.html", _changes_tab),
}


def _page(
    request: SignedInRequest,
    lead: Lead,
    *,
    tab: str,
    now: datetime,
    form: InteractionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    can_edit = is_editable(request.user, lead)
    states = qualification.criteria(lead, now=now)
    definition = qualification.definition_for(lead, now=now)
    counts = {
        "story": lead.interactions.count(),
        "handoffs": Handoff.objects.visible_to(request.user).filter(lead=lead).count(),
    }
    context: dict[str, Any] = {
        "now": now,
        "lead": lead,
        "can_edit": can_edit,
        "states": states,
        "standing": standing(lead, now=now),
        "twins": duplicates.of_lead(lead, user=request.user) if may(request.user, Act.EDIT_LEADS) else [],
        "handover": handover_of(lead, user=request.user, can_edit=can_edit, now=now),
        "definition": definition,
        "is_under": definition is not None and lead.score is not None and lead.score < definition.threshold,
        "tab": tab,
        "tabs": [(code, label, counts.get(code)) for code, (label, _template, _read) in TABS.items()],
        "tab_template": TABS[tab][1],
        "form": form,
        "here": reverse("home:lead", args=(lead.public_id,)),
    }
    context |= TABS[tab][2](request, lead, context, now=now)
    return page_or_part(request, "home/lead.html", "home/_lead_body.html", context, status=status)


@requires(Act.SEE_LEADS)
@require_safe
def lead(request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
    """Show one lead; of one that was merged, lead to the one that was kept."""
    found = find(request.user, public_id)
    if found.public_id != public_id:
        return redirect("home:lead", found.public_id)
    tab = request.GET.get("tab", "score")
    if tab not in TABS:
        raise Http404
    return _page(request, found, tab=tab, now=clock.now())


@requires(Act.EDIT_LEADS)
@require_POST
def add_interaction(request: SignedInRequest, public_id: UUID) -> HttpResponseBase:
    """Record something that the lead did; score and judgement follow."""
    now = clock.now()
    found = get_object_or_404(Lead.objects.living().editable_by(request.user), public_id=public_id)
    form = InteractionForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        arrival = intake.Arrival(
            facts={},
            kind=InteractionKind(given["kind"]),
            occurred_at=given["occurred_at"],
            detail=given["detail"],
            key=f"form:{given['key']}" if given["key"] else "",
            via="hand",
        )
        try:
            intake.receive_for(found, arrival, by=request.user, now=now)
        except intake.Refused as refused:
            for name, text in refused.errors.items():
                form.add_error(name if name in form.fields else None, text)
        else:
            return redirect(f"{reverse('home:lead', args=(found.public_id,))}?tab=story")
    return _page(request, find(request.user, public_id), tab="story", now=now, form=form, status=400)
