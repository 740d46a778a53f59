"""Pages of what stands around the portal's words in mails: the list of kinds, and one with its preview."""

from __future__ import annotations

from django.contrib import messages as notes
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox import mail_texts, mailing
from leadsla.outbox.kinds import Kind
from leadsla.outbox.mail_text_forms import MailTextForm
from leadsla.outbox.models import MailText, Message


@requires(Act.WORD_MAILS)
@require_safe
def mail_text_list(request: SignedInRequest) -> HttpResponse:
    """List the kinds of notices with what stands around their words."""
    texts = {text.kind: text for text in MailText.objects.select_related("changed_by")}
    rows = [(kind, texts.get(kind)) for kind in Kind]
    return render(request, "outbox/mail_texts.html", {"rows": rows, "now": clock.now()})


def _example(request: SignedInRequest, form: MailTextForm, kind: Kind) -> str:
    """Return a mail to the reader as it would be with what the form says."""
    said = form.cleaned_data if form.is_bound else form.initial
    message = Message(
        kind=kind,
        channel=Message.Channel.EMAIL,
        recipient=request.user,
        address=request.user.email,
        subject=_("What happened"),
        body=_("What happened to whom, and what to do next: these are the portal's words."),
        url="/",
    )
    parts = (mail_texts.fill_in(said.get(field, ""), recipient=request.user) for field in ("before", "after"))
    return str(mailing.compose(message, around=mail_texts.Around(*parts)).body)


@requires(Act.WORD_MAILS)
@require_http_methods(["GET", "HEAD", "POST"])
def mail_text(request: SignedInRequest, kind: str) -> HttpResponse:
    """Change what stands around the words of one kind, or look at it first."""
    if kind not in Kind.values:
        raise Http404
    kept = MailText.objects.filter(kind=kind).first()
    initial = {"before": kept.before, "after": kept.after} if kept else {}
    form = MailTextForm(request.POST or None, initial=initial)
    is_right = form.is_valid() if form.is_bound else True
    if form.is_bound and is_right and request.POST.get("act") != "preview":
        mail_texts.change(Kind(kind), **form.cleaned_data, by=request.user, now=clock.now())
        notes.success(request, _("Saved. Mails that go out from now on have it."))
        return redirect("outbox:mail_texts")
    example = _example(request, form, Kind(kind)) if is_right else ""
    context = {"form": form, "kind": Kind(kind), "example": example}
    return render(request, "outbox/mail_text.html", context, status=200 if is_right else 400)
