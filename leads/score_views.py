"""Pages of the score model: read it in words, draft another one, its rules, its history."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads import definitions, rescans, score_models, score_words
from leads.condition_form import ConditionForm
from leads.models import ScoreModel, ScoreRescan, ScoreRule
from leads.score_forms import rule_form, settings_form
from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.requests import SignedInRequest

MOST_VERSIONS = 50
POLL_SECONDS = 3
Status = ScoreModel.Status


@requires(Act.SEE_LEADS)
@require_safe
def score_model(request: SignedInRequest, version: int | None = None) -> HttpResponse:
    """Read a version in words; without a number the published one, with drafts, history and the last rescan."""
    found = ScoreModel.objects.select_related("based_on", "created_by", "published_by")
    shown = get_object_or_404(found, version=version) if version is not None else score_models.published()
    now = clock.now()
    context: dict[str, Any] = {
        "model": shown,
        "groups": score_words.groups(shown, list(shown.rules.all())) if shown else [],
        "changes": score_words.difference(shown.based_on, shown) if shown and shown.based_on else [],
        "is_draft": shown is not None and shown.status == Status.DRAFT,
        "counts": shown is not None and shown.pk in {each.model.pk for each in definitions.counting(now=now)},
        "may_edit": may(request.user, Act.EDIT_SCORE_MODEL),
        "now": now,
    }
    if version is None:
        context |= {"drafts": _drafts(), "versions": _versions(), **_rescan()}
    return render(request, "leads/score_model.html", context)


def _drafts() -> list[ScoreModel]:
    return list(ScoreModel.objects.filter(status=Status.DRAFT).select_related("created_by"))


def _versions() -> list[tuple[ScoreModel, list[str]]]:
    rules = Prefetch("rules"), Prefetch("based_on__rules")
    versions = ScoreModel.objects.exclude(status=Status.DRAFT).order_by("-published_at", "-version")
    found = versions.select_related("based_on", "published_by").prefetch_related(*rules)[:MOST_VERSIONS]
    return [(each, score_words.difference(each.based_on, each) if each.based_on else []) for each in found]


def _rescan() -> dict[str, Any]:
    row = rescans.latest()
    return {"rescan": row, "progress": _progress(row) if row else None, "poll_seconds": POLL_SECONDS}


def _progress(row: ScoreRescan) -> dict[str, Any]:
    if row.begun_at is None:
        text = _("Waiting for a free worker")
    elif row.done < row.total or not row.total:
        text = _("Scoring all leads again")
    else:
        text = _("Judging all leads by their new scores")
    return {"done": row.done, "total": max(row.total, 1), "text": text, "left": "", "is_done": bool(row.finished_at)}


@requires(Act.SEE_LEADS)
@require_safe
def score_rescan(request: SignedInRequest) -> HttpResponse:
    """Say how far the last rescan is."""
    return render(request, "leads/_score_rescan.html", {**_rescan(), "now": clock.now()})


@requires(Act.EDIT_SCORE_MODEL)
@require_POST
def score_draft(request: SignedInRequest, version: int) -> HttpResponse:
    """Start a draft as a copy of a version."""
    base = get_object_or_404(ScoreModel, version=version)
    made = score_models.draft(base, by=request.user, now=clock.now())
    words = _("Version %(number)d is a draft: it counts for nobody until it is published.")
    messages.success(request, words % {"number": made.version})
    return redirect("leads:score_version", made.version)


@requires(Act.EDIT_SCORE_MODEL)
@require_POST
def score_discard(request: SignedInRequest, version: int) -> HttpResponse:
    """Throw a draft away."""
    model = get_object_or_404(ScoreModel, version=version)
    try:
        score_models.discard(model)
    except score_models.Refused as refused:
        messages.error(request, str(refused))
        return redirect("leads:score_version", version)
    messages.success(request, _("The draft of version %(number)d is discarded.") % {"number": version})
    return redirect("leads:score_model")


@requires(Act.EDIT_SCORE_MODEL)
@require_http_methods(["GET", "HEAD", "POST"])
def score_settings(request: SignedInRequest, version: int) -> HttpResponse:
    """Change name, caps and grades of a draft."""
    model = get_object_or_404(ScoreModel, version=version)
    form = settings_form(request.POST if request.method == "POST" else None, model=model)
    if form.is_bound and form.is_valid():
        try:
            score_models.change(model, form.told())
        except score_models.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("Saved."))
            return redirect("leads:score_version", version)
    context = {"form": form, "model": model}
    return render(request, "leads/score_settings.html", context, status=400 if form.is_bound else 200)


@requires(Act.EDIT_SCORE_MODEL)
@require_http_methods(["GET", "HEAD", "POST"])
def score_rule(request: SignedInRequest, version: int, code: str | None = None) -> HttpResponse:
    """Add a rule to a draft, or change one."""
    model = get_object_or_404(ScoreModel, version=version)
    rule = get_object_or_404(model.rules.all(), code=code) if code else None
    on_deeds = bool(rule.kinds) if rule else request.GET.get("on") == "interactions"
    typed = request.POST if request.method == "POST" else None
    form = rule_form(typed, rule=rule, on_deeds=on_deeds)
    rows = None if on_deeds else ConditionForm(typed, condition=rule.condition if rule else None, of_judgement=True)
    saves = typed is not None and not (rows is not None and rows.is_asking)
    if saves and _kept(model, rule, form, rows):
        messages.success(request, _("Saved in the draft."))
        return redirect("leads:score_version", version)
    if typed is not None and not saves:  # a button of the rows: nothing is wrong yet
        form = type(form)(initial={name: typed.get(name, "") for name in form.fields})
    context = {"form": form, "conditions": rows, "model": model, "rule": rule, "on_deeds": on_deeds}
    return render(request, "leads/score_rule.html", context, status=400 if saves else 200)


def _kept(model: ScoreModel, rule: ScoreRule | None, form: Any, rows: ConditionForm | None) -> bool:
    """Keep a rule as it was typed; False when something is wrong, which form or rows then say."""
    rows_are_valid = rows is None or rows.is_valid()
    if not form.is_valid() or not rows_are_valid:
        return False
    try:
        if rule is None:
            score_models.add_rule(model, form.told(rows))
        else:
            score_models.change_rule(model, rule.code, form.told(rows))
    except score_models.Refused as refused:
        errors = dict(refused.errors)
        if rows is not None and "condition" in errors:
            rows.error = errors.pop("condition")
        form.refuse(errors)
        return False
    return True


@requires(Act.EDIT_SCORE_MODEL)
@require_POST
def score_rule_remove(request: SignedInRequest, version: int, code: str) -> HttpResponse:
    """Remove a rule from a draft."""
    model = get_object_or_404(ScoreModel, version=version)
    rule = get_object_or_404(model.rules.all(), code=code)
    try:
        score_models.remove_rule(model, code)
    except score_models.Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("“%(rule)s” is removed from the draft.") % {"rule": rule.label})
    return redirect("leads:score_version", version)


@requires(Act.EDIT_SCORE_MODEL)
@require_POST
def score_rule_move(request: SignedInRequest, version: int, code: str) -> HttpResponse:
    """Put a rule of a draft one place up or down in its group."""
    model = get_object_or_404(ScoreModel, version=version)
    get_object_or_404(model.rules.all(), code=code)
    way = request.POST.get("way", "")
    if way not in {"up", "down"}:
        return HttpResponse(_("way: say up or down."), status=400, content_type="text/plain; charset=utf-8")
    try:
        if not score_models.move_rule(model, code, up=way == "up"):
            messages.info(request, _("It stands at the end already."))
    except score_models.Refused as refused:
        messages.error(request, str(refused))
    return redirect("leads:score_version", version)
