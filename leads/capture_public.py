"""The public side of capture pages: the form at its own address and inside other websites, and the click in a mail.

No cookie is set and nothing is counted before somebody sends the form: there is nothing to consent to.
"""

from __future__ import annotations

from typing import Any

from csp.constants import SELF
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from leads import capture, capture_gate, intake
from leads.capture_forms import VisitorForm
from leads.capture_gate import TOKEN, TRAP
from leads.models import CapturePage, CaptureSubmission, CaptureVersion
from leadsla import clock
from leadsla.accounts.access import Act, requires

THEMES = ("light", "dark", "auto")


# The sealed note in the form takes the place of the cookie against forged requests: nobody is signed in here.
@csrf_exempt
@never_cache
@requires(Act.PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
def hosted(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form at its own address, and take what is sent."""
    page = _page(slug)
    response = _answer(request, page, is_embedded=False)
    if page.redirect_url:
        # Browsers hold the way on after a form against the policy as well.
        allow(response, "form-action", [SELF, capture.origin(page.redirect_url)])
    return response


@csrf_exempt
@never_cache
@xframe_options_exempt
@requires(Act.PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
def embedded(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form inside one of its websites, and take what is sent. The only page that others may frame."""
    page = _page(slug)
    response = _answer(request, page, is_embedded=True)
    allow(response, "frame-ancestors", [SELF, *page.sites])
    return response


@csrf_exempt
@never_cache
@requires(Act.PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for the click, which what opens links in mails by itself does not do, and take it."""
    now = clock.now()
    submission = capture.to_confirm(token, now=now)
    if submission is None:
        context = {"title": _("This link is not valid"), "closed": _not_valid()}
        return _show(request, context, status=404)
    page = submission.page
    if request.method == "POST":
        capture.confirm(submission, now=now)
        return _thanks(request, page, is_embedded=False, is_confirmed=True)
    if submission.outcome != CaptureSubmission.Outcome.WAITING:
        return _thanks(request, page, is_embedded=False, is_confirmed=True)
    return _show(request, {"page": page, "title": page.title, "confirms": True})


def _page(slug: str) -> CapturePage:
    return get_object_or_404(CapturePage.objects.select_related("source", "campaign", "team"), slug=slug)


def allow(response: HttpResponse, directive: str, sources: list[str]) -> None:
    """Let one directive of this page's policy name other sources."""
    response._csp_replace = {directive: sources}  # type: ignore[attr-defined]  # read by the library's middleware


def _answer(request: HttpRequest, page: CapturePage, *, is_embedded: bool) -> HttpResponse:
    if not page.is_active:
        context = {"page": page, "title": page.title, "closed": _("This form is closed."), "is_embedded": is_embedded}
        return _show(request, context, status=410)
    if request.method != "POST":
        version = capture.current(page)
        return _form(request, page, VisitorForm(version=version), version, is_embedded=is_embedded)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > capture.LARGEST:
        # Read nothing of it: it is no form of ours.
        version = capture.current(page)
        problem = _("This is too much for a form: at most %(most)d kB are taken. Shorten what you wrote.") % {
            "most": capture.LARGEST // 1024
        }
        form = VisitorForm(version=version)
        return _form(request, page, form, version, is_embedded=is_embedded, problem=problem, status=413)
    return _take(request, page, is_embedded=is_embedded)


def _take(request: HttpRequest, page: CapturePage, *, is_embedded: bool) -> HttpResponse:
    now = clock.now()
    opened = capture_gate.opened(page, request.POST.get(TOKEN, ""), now=now)
    version = opened.version if opened else capture.current(page)
    version.page = page
    form = VisitorForm(request.POST, version=version)
    kept = request.POST.get(TOKEN, "") if opened else ""  # the moment when it was opened stays what it is

    def again(problem: str = "", *, status: int = 400) -> HttpResponse:
        return _form(request, page, form, version, is_embedded=is_embedded, token=kept, problem=problem, status=status)

    if capture_gate.is_flooded(page, _address(request), now=now):
        wait = capture_gate.seconds_to_wait(now=now)
        response = again(_too_many(wait), status=429)
        response["Retry-After"] = str(wait)
        return response
    if opened is None:
        problem = _("The form had been open for too long, or was changed on its way. Please send it again.")
        return again(problem)
    if form.is_of_a_robot() or opened.is_too_fast(now=now):
        capture.note_robot(page)
        return _thanks(request, page, is_embedded=is_embedded)
    if form.is_valid():
        try:
            capture.take(version, facts=form.told(), has_agreed=form.has_agreed(), nonce=opened.nonce, now=now)
        except intake.Refused as refused:
            form.refuse(refused)
        else:
            return _thanks(request, page, is_embedded=is_embedded)
    return again()


def _form(
    request: HttpRequest,
    page: CapturePage,
    form: VisitorForm,
    version: CaptureVersion,
    *,
    is_embedded: bool,
    token: str = "",
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = form_context(page, form, version) | {"is_embedded": is_embedded, "problem": problem}
    if token:
        context["token"] = token
    return _show(request, context, status=status)


def form_context(page: CapturePage, form: VisitorForm, version: CaptureVersion) -> dict[str, Any]:
    """Return what the template of the form needs."""
    return {
        "page": page,
        "title": page.title,
        "form": form,
        "token_name": TOKEN,
        "token": capture_gate.token(version, now=clock.now()),
        "trap": TRAP,
    }


def _thanks(request: HttpRequest, page: CapturePage, *, is_embedded: bool, is_confirmed: bool = False) -> HttpResponse:
    """Thank somebody, or a robot: both see the same."""
    asks_for_click = page.confirms_email and not is_confirmed
    goes_to = page.redirect_url if capture.may_lead_to(page.redirect_url, sites=page.sites) else ""
    if goes_to and not asks_for_click and not is_embedded:
        return HttpResponse(status=303, headers={"Location": goes_to})
    context = {
        "page": page,
        "title": page.title,
        "thanks": _look_into_inbox() if asks_for_click else page.thanks,
        "goes_to": "" if asks_for_click else goes_to,
        "is_embedded": is_embedded,
    }
    return _show(request, context)


def _show(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    theme = request.GET.get("theme", "")
    default = "light" if context.get("is_embedded") else "auto"
    context["theme"] = theme if theme in THEMES else default
    return render(request, "leads/capture_public.html", context, status=status)


def _address(request: HttpRequest) -> str:
    """Return the address of the sender; behind a proxy, what the proxy itself saw: the last one that it wrote down."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.USE_X_FORWARDED_HOST else ""
    return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def _too_many(seconds: int) -> str:
    minutes = -(-seconds // 60)
    text = ngettext(
        "This form came from your network very often. Wait %(minutes)d minute and send it again: what you typed is "
        "still here.",
        "This form came from your network very often. Wait %(minutes)d minutes and send it again: what you typed is "
        "still here.",
        minutes,
    )
    return text % {"minutes": minutes}


def _look_into_inbox() -> str:
    return _(
        "Nearly done: we sent you an e-mail. Open the link in it within 7 days; only then do we have what you sent."
    )


def _not_valid() -> str:
    return _("It is too old, or not complete. Fill in the form again, and we send you a new one.")
