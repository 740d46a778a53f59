"""Inbound webhooks: the address that other systems deliver to, and the pages on which marketing sets it up."""

from __future__ import annotations

import hmac
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads import hook_formats, hooks, intake
from leads.columns import TARGETS
from leads.hook_forms import HookForm, MatchingForm, SampleForm
from leads.models import Hook, HookDelivery
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest

PER_PAGE = 30


@csrf_exempt
@requires(Act.PUBLIC)
@require_http_methods(["GET", "POST"])
def deliver(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a delivery of another system, which proves itself by the key; answer Meta's question for it."""
    hook = get_object_or_404(Hook.objects.select_related("source", "campaign", "team"), public_id=public_id)
    if request.method == "GET":
        return _verify(request, hook)
    if int(request.headers.get("Content-Length") or 0) > hooks.LARGEST:
        return JsonResponse({"message": hooks.too_large()}, status=413)
    answer = hooks.take(hook, raw=request.body, headers=request.headers, now=clock.now())
    delivery = str(answer.delivery.public_id) if answer.delivery else None
    return JsonResponse({"message": answer.words, "delivery": delivery}, status=answer.status)


def _verify(request: HttpRequest, hook: Hook) -> HttpResponse:
    """Repeat the challenge with which Meta checks that an address is ours."""
    is_known = hmac.compare_digest(request.GET.get("hub.verify_token", "").encode(), hook.secret.encode())
    if hook.kind != Hook.Kind.META or not is_known:
        return JsonResponse({"message": _("Deliver here by POST.")}, status=405, headers={"Allow": "POST"})
    return HttpResponse(request.GET.get("hub.challenge", "")[:200], content_type="text/plain; charset=utf-8")


@requires(Act.SET_UP_CAPTURE)
@require_safe
def hook_list(request: SignedInRequest) -> HttpResponse:
    """List the addresses and what came in by them."""
    refused = Count("deliveries", filter=Q(deliveries__outcome=HookDelivery.Outcome.REFUSED))
    found = Hook.objects.select_related("source").annotate(
        taken=Count("deliveries"), refused=refused, last_at=Max("deliveries__received_at")
    )
    return render(request, "leads/hooks.html", {"hooks": found, "now": clock.now()})


@requires(Act.SET_UP_CAPTURE)
@require_http_methods(["GET", "HEAD", "POST"])
def hook_edit(request: SignedInRequest, public_id: UUID | None = None) -> HttpResponse:
    """Make an address, or change what its leads count as."""
    hook = get_object_or_404(Hook, public_id=public_id) if public_id else Hook()
    secret = hook.secret or hooks.new_secret()
    form = HookForm(request.POST or None, instance=hook)
    if request.method == "POST" and form.is_valid():
        hook = form.save(commit=False)
        hook.secret = form.cleaned_data["secret"] or secret
        if not hook.pk:
            hook.created_by, hook.created_at = request.user, clock.now()
        hook.save()
        messages.success(request, _("“%(hook)s” is saved.") % {"hook": hook})
        return redirect("leads:hook", hook.public_id)
    context = {"form": form, "hook": hook if hook.pk else None}
    return render(request, "leads/hook_edit.html", context, status=400 if form.is_bound else 200)


@requires(Act.SET_UP_CAPTURE)
@require_safe
def hook_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show an address, its key, how to set it up, and its deliveries."""
    hook = get_object_or_404(Hook.objects.select_related("source", "campaign", "team"), public_id=public_id)
    deliveries = Paginator(hook.deliveries.select_related("lead"), PER_PAGE)
    context = {
        "hook": hook,
        "address": request.build_absolute_uri(reverse("leads:deliver", args=(hook.public_id,))),
        "proof": hook_formats.words_of_proof(hook.kind),
        "page": deliveries.get_page(request.GET.get("page")),
        "now": clock.now(),
    }
    return render(request, "leads/hook.html", context)


@requires(Act.SET_UP_CAPTURE)
@require_POST
def hook_switch(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Switch an address off, or on again."""
    hook = get_object_or_404(Hook, public_id=public_id)
    is_active = "on" in request.POST
    Hook.objects.filter(pk=hook.pk).update(is_active=is_active)
    said = _("“%(hook)s” takes deliveries again.") if is_active else _("“%(hook)s” takes nothing any more.")
    messages.success(request, said % {"hook": hook})
    return redirect("leads:hook", hook.public_id)


@requires(Act.SET_UP_CAPTURE)
@require_POST
def delivery_again(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take a delivery that was refused, by the matching as it is now."""
    refused = HookDelivery.objects.filter(outcome=HookDelivery.Outcome.REFUSED)
    delivery = get_object_or_404(
        refused.select_related("hook__source", "hook__campaign", "hook__team"), public_id=public_id
    )
    answer = hooks.take_again(delivery, now=clock.now())
    (messages.success if answer.status == 200 else messages.error)(request, answer.words)  # taken
    return redirect("leads:hook", delivery.hook.public_id)


@requires(Act.SET_UP_CAPTURE)
@require_http_methods(["GET", "HEAD", "POST"])
def hook_matching(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Try a delivery: see its parts, say what they hold, and what would come in."""
    hook = get_object_or_404(Hook.objects.select_related("source", "campaign", "team"), public_id=public_id)
    is_sample = "sample" in request.POST
    sample_form = SampleForm(request.POST if is_sample else None)
    if is_sample and sample_form.is_valid():
        hook.sample = sample_form.cleaned_data["sample"]
        hook.save(update_fields=["sample"])
        return redirect("leads:hook_matching", hook.public_id)
    last = hook.deliveries.first()
    body = hook.sample or (last.body if last else None)
    context: dict[str, Any] = {"hook": hook, "sample_form": sample_form, "has_sample": body is not None}
    is_refused = is_sample
    if body is not None:
        try:
            delivered = hook_formats.read(hook.kind, body)
        except hook_formats.NotReadable as wrong:
            context["unreadable"] = str(wrong)
        else:
            codes = hooks.matching(hook, delivered)
            form = MatchingForm(
                request.POST if request.method == "POST" and not is_sample else None, delivered=delivered, codes=codes
            )
            if form.is_bound and form.is_valid():
                hook.mapping = hook.mapping | form.mapping()
                hook.save(update_fields=["mapping"])
                messages.success(request, _("The matching is saved. It holds for what comes from now on."))
                return redirect("leads:hook_matching", hook.public_id)
            is_refused = is_refused or form.is_bound
            context |= {"form": form, **_preview(hook, delivered)}
    return render(request, "leads/hook_matching.html", context, status=400 if is_refused else 200)


def _preview(hook: Hook, delivered: hook_formats.Delivered) -> dict[str, Any]:
    """Return what would come in by a delivery, or why it would be refused."""
    try:
        arrival = hooks.arrival_of(hook, delivered, key=delivered.key)
        problems = intake.check(arrival, now=clock.now())
    except intake.Refused as refused:
        return {"refused": hooks.in_words(refused)}
    facts = [(TARGETS[code].label if code in TARGETS else code, value) for code, value in arrival.facts.items()]
    return {"facts": facts, "problems": problems, "beside": arrival.data, "is_test": delivered.is_test}
