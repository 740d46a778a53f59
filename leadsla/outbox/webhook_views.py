"""Pages of webhooks: the list, one with its deliveries, and what can be done with it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as notes
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox import endpoints
from leadsla.outbox.models import Message, WebhookEndpoint
from leadsla.outbox.tasks import deliver_webhooks
from leadsla.outbox.waking import wake
from leadsla.outbox.webhook_forms import WebhookForm

PAGE_SIZE = 25
WAITING = Q(messages__sent_at=None, messages__dead_at=None)
STATES = {
    "waiting": Q(sent_at=None, dead_at=None),
    "sent": Q(sent_at__isnull=False),
    "dead": Q(dead_at__isnull=False),
}


def _load(public_id: UUID) -> WebhookEndpoint:
    return get_object_or_404(endpoints.standing().select_related("created_by"), public_id=public_id)


@requires(Act.MANAGE_WEBHOOKS)
@require_safe
def webhooks(request: SignedInRequest) -> HttpResponse:
    """List the endpoints, with what waits for them and what was laid aside."""
    listed = endpoints.standing().annotate(
        waiting=Count("messages", filter=WAITING & Q(messages__isnull=False)),
        dead=Count("messages", filter=Q(messages__dead_at__isnull=False)),
    )
    return render(request, "outbox/webhooks.html", {"endpoints": listed, "now": clock.now()})


@requires(Act.MANAGE_WEBHOOKS)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def webhook_new(request: SignedInRequest) -> HttpResponse:
    """Make an endpoint; its secret is on the page that follows and nowhere else."""
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint = endpoints.create(**form.cleaned_data, by=request.user, now=clock.now())
        except endpoints.Refused as refusal:
            form.refuse(refusal)
        else:
            return _page(request, endpoint, secret=endpoint.secret)
    status = 400 if form.is_bound else 200
    return render(request, "outbox/webhook_form.html", {"form": form, "endpoint": None}, status=status)


@requires(Act.MANAGE_WEBHOOKS)
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_edit(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Change name, address and events of an endpoint."""
    endpoint = _load(public_id)
    form = WebhookForm.of(endpoint, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change(endpoint, **form.cleaned_data)
        except endpoints.Refused as refusal:
            form.refuse(refusal)
        else:
            notes.success(request, _("Saved."))
            return redirect("outbox:webhook", public_id)
    status = 400 if form.is_bound else 200
    return render(request, "outbox/webhook_form.html", {"form": form, "endpoint": endpoint}, status=status)


def _deliveries(request: SignedInRequest, endpoint: WebhookEndpoint) -> Page[Message]:
    state = STATES.get(request.GET.get("state", ""), Q())
    found = endpoint.messages.filter(state).prefetch_related("tries").order_by("-created_at", "-pk")
    return Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))


def _page(request: SignedInRequest, endpoint: WebhookEndpoint, *, secret: str = "") -> HttpResponse:
    page = _deliveries(request, endpoint)
    context = {
        "endpoint": endpoint,
        "page": page,
        "state": request.GET.get("state", ""),
        "states": [("waiting", _("Waiting")), ("sent", _("Delivered")), ("dead", _("Laid aside"))],
        "dead": endpoint.messages.filter(dead_at__isnull=False).count(),
        "is_under_way": any(
            message.sent_at is None and message.attempts == 0 for message in page if not message.dead_at
        ),
        "kinds": [kind.label for kind in endpoints.CHOOSABLE if kind in endpoint.kinds],
        "secret": secret,
        "now": clock.now(),
    }
    is_part = bool(request.htmx) and request.method == "GET"
    return render(request, "outbox/_deliveries.html" if is_part else "outbox/webhook.html", context)


@requires(Act.MANAGE_WEBHOOKS)
@require_safe
def webhook(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show an endpoint with its deliveries; HTMX gets the deliveries alone."""
    return _page(request, _load(public_id))


@requires(Act.MANAGE_WEBHOOKS)
@require_POST
@never_cache
def webhook_secret(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Renew the secret; the new one is on this one page and nowhere else."""
    endpoint = _load(public_id)
    return _page(request, endpoint, secret=endpoints.renew_secret(endpoint, now=clock.now()))


@requires(Act.MANAGE_WEBHOOKS)
@require_POST
def webhook_test(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Send a test event."""
    endpoint = _load(public_id)
    if endpoints.try_out(endpoint, by=request.user, now=clock.now()):
        wake(deliver_webhooks)
        notes.success(request, _("A test is on its way. What becomes of it stands under “Deliveries”."))
    else:
        notes.error(request, _("Nothing is sent to a webhook that is switched off. Switch it on first."))
    return redirect("outbox:webhook", public_id)


@requires(Act.MANAGE_WEBHOOKS)
@require_POST
def webhook_switch(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Switch an endpoint off, or on again."""
    endpoint, now = _load(public_id), clock.now()
    if endpoint.is_active:
        because = _("Switched off by %(person)s.") % {"person": request.user}
        endpoints.switch_off(endpoint, because=because, now=now)
        notes.success(request, _("Switched off. What waited for it is laid aside and can be replayed."))
    else:
        endpoints.switch_on(endpoint)
        notes.success(request, _("Switched on."))
    return redirect("outbox:webhook", public_id)


@requires(Act.MANAGE_WEBHOOKS)
@require_POST
def webhook_remove(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Take an endpoint away."""
    endpoints.remove(_load(public_id), now=clock.now())
    notes.success(request, _("Removed. Nothing is sent there any more."))
    return redirect("outbox:webhooks")


@requires(Act.MANAGE_WEBHOOKS)
@require_POST
def webhook_replay(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Try all that was laid aside for an endpoint again."""
    count = endpoints.replay(_load(public_id), now=clock.now())
    wake(deliver_webhooks)
    text = ngettext("%(count)s event is sent again.", "%(count)s events are sent again.", count)
    notes.success(request, text % {"count": count})
    return redirect("outbox:webhook", public_id)


@requires(Act.MANAGE_WEBHOOKS)
@require_POST
def delivery_again(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Send one event to its endpoint again."""
    found = Message.objects.filter(endpoint__removed_at=None).select_related("endpoint")
    message = get_object_or_404(found, public_id=public_id, endpoint__isnull=False)
    if endpoints.send_again(message, now=clock.now()):
        wake(deliver_webhooks)
        notes.success(request, _("It is sent again, with the same id."))
    else:
        notes.error(request, _("It waits already, or its webhook is switched off."))
    assert message.endpoint is not None
    return redirect("outbox:webhook", message.endpoint.public_id)
