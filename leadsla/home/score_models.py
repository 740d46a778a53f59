"""Compare a score model with the published one on leads of today and of the past, and publish it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from leads import auc, definitions, rescans, score_comparison, score_models, score_words
from leads.models import ScoreModel
from leads.tasks import rescan
from leadsla import clock
from leadsla.accounts import visibility
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.models import User
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox.waking import wake
from sla import past_scores, signing
from sla.past_scores import Good, Past

_USUAL_LINE = Decimal(100)
Status = ScoreModel.Status


@dataclass(frozen=True)
class PastRow:
    """How one version would have scored the answered leads, as a row of the table."""

    model: ScoreModel
    area: auc.Estimate
    good_over: int
    good: int
    bad_over: int
    bad: int


@requires(Act.SEE_LEADS)
@require_safe
def compare(request: SignedInRequest, version: int) -> HttpResponse:
    """Show what a version would change, beside the published one; nothing is written."""
    model = get_object_or_404(ScoreModel.objects.select_related("based_on"), version=version)
    published, now = score_models.published(), clock.now()
    if published is None or published == model:
        messages.info(request, _("This version is published: there is nothing to compare it with."))
        return redirect("leads:score_model")
    good = Good.WON if request.GET.get("good") == Good.WON else Good.ACCEPTED
    wants_all = "all" in request.GET
    context: dict[str, Any] = {
        "model": model,
        "published": published,
        "changes": score_words.difference(published, model),
        "problems": score_models.problems(model),
        "may_publish": may(request.user, Act.EDIT_SCORE_MODEL),
        "sees_leads": visibility.leads(request.user).everything,
        "now": now,
        "good": good.value,
        "most": score_comparison.MOST,
    }
    if not context["problems"]:
        most = score_comparison.MOST if wants_all else score_comparison.SAMPLE
        context["found"] = score_comparison.compare(published, model, now=now, most=most)
        context |= _of_the_past(published, model, good=good, now=now)
    return render(request, "home/score_compare.html", context)


def _of_the_past(published: ScoreModel, model: ScoreModel, *, good: Good, now: datetime) -> dict[str, Any]:
    in_force = definitions.in_force(now=now)
    line = in_force[-1].threshold if in_force else _USUAL_LINE
    past = past_scores.look_back([published, model], good=good, line=line, now=now)
    rows = [] if past.areas is None else _rows(past, past.areas, (published, model))
    return {"past": past, "line": line, "rows": rows, "verdict": _verdict(past.areas)}


def _rows(past: Past, areas: auc.Areas, models: Sequence[ScoreModel]) -> list[PastRow]:
    return [
        PastRow(model, area, good_over, areas.good, over - good_over, areas.bad)
        for model, area, over, good_over in zip(models, areas.areas, past.over, past.good_over, strict=True)
    ]


def _verdict(areas: auc.Areas | None) -> str:
    """Say in one sentence what the areas show."""
    if areas is None:
        return ""
    if areas.is_few:
        return _("Too few answered leads to say which version tells good leads from bad ones better.")
    gain = areas.gain
    assert gain.low is not None
    assert gain.high is not None
    words = {"gain": _signed(gain.value), "low": _signed(gain.low), "high": _signed(gain.high)}
    if gain.low > 0:
        return _("This version tells them apart better: %(gain)s (95 %% interval %(low)s to %(high)s).") % words
    if gain.high < 0:
        return _("This version tells them apart worse: %(gain)s (95 %% interval %(low)s to %(high)s).") % words
    return _("No difference that chance could not make: %(gain)s (95 %% interval %(low)s to %(high)s).") % words


def _signed(value: float) -> str:
    """Write a difference of areas to three decimals, with its sign."""
    text = number_format(abs(value), decimal_pos=3)
    return f"−{text}" if round(value, 3) < 0 else f"+{text}"


@requires(Act.SEE_LEADS)
@require_safe
def effect(request: SignedInRequest, version: int) -> HttpResponse:
    """Show in one strip what a draft would change for the leads of today, as it stands."""
    model = get_object_or_404(ScoreModel, version=version)
    published, now = score_models.published(), clock.now()
    context: dict[str, Any] = {"model": model}
    if published is not None and not score_models.problems(model):
        context["found"] = score_comparison.compare(published, model, now=now)
    return render(request, "home/_score_effect.html", context)


@requires(Act.EDIT_SCORE_MODEL)
@require_POST
def publish(request: SignedInRequest, version: int) -> HttpResponse:
    """Publish a draft, or a copy of an older version; ask both sides, or let it count at once."""
    model = get_object_or_404(ScoreModel, version=version)
    try:
        said = _published(model, by=request.user, now=clock.now())
    except (score_models.Refused, signing.Refused) as refused:
        messages.error(request, str(refused))
        return redirect("home:score_compare", version)
    messages.success(request, said)
    return redirect("leads:score_model")


@transaction.atomic
def _published(model: ScoreModel, *, by: User, now: datetime) -> str:
    """Publish, propose and have everybody scored again where it counts already; all of it or nothing."""
    act = score_models.roll_back if model.status == Status.RETIRED else score_models.publish
    published = act(model, by=by, now=now)
    proposals = signing.propose_score_model(published, by=by, now=now)
    said = _("Version %(number)d is published.") % {"number": published.version}
    if any(each.model == published for each in definitions.counting(now=now)):
        wake(rescan, rescans.start(published, by=by, now=now).pk)
        said += " " + _("It counts from now on; all leads are being scored again.")
    if proposals:
        words = ngettext(
            "It counts once both sides have signed the agreement with it. They are asked.",
            "It counts once both sides have signed the %(n)d agreements with it. They are asked.",
            len(proposals),
        )
        said += " " + words % {"n": len(proposals)}
    return said
