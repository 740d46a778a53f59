"""Pages of the calendars: read them, edit their hours, see what they were, and try out what would be due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.requests import SignedInRequest
from sla import calendar_editing, calendars
from sla.calendar_editing import Hours
from sla.calendar_forms import CalendarForm, PreviewForm
from sla.models import Agreement, Calendar, CalendarVersion
from sla.preview import due_if, due_times

DAYS_AHEAD = timedelta(days=365)
NEW_HOURS = {day: [["09:00", "12:00"], ["13:00", "17:30"]] for day in ("mon", "tue", "wed", "thu", "fri")}


@requires(Act.SEE_AGREEMENTS)
@require_safe
def calendar_list(request: SignedInRequest) -> HttpResponse:
    """Read the calendars: hours, holidays, and when something handed over at a moment would be due."""
    now = clock.now()
    form = PreviewForm(request.GET if "at" in request.GET else None, initial={"at": localtime(now)})
    is_asked = form.is_bound and form.is_valid()
    at: datetime = form.cleaned_data["at"] if is_asked else now
    first = Agreement.objects.in_force(now=now).first()
    context = {
        "calendars": [_shown(each, now=now) for each in Calendar.objects.all()],
        "form": form,
        "at": at,
        "is_now": not is_asked,
        "due": due_times(first, at=at) if first else [],
        "agreement": first,
        "may_edit": may(request.user, Act.EDIT_CALENDARS),
        "now": now,
    }
    return render(request, "sla/calendars.html", context, status=400 if form.is_bound and not is_asked else 200)


def _shown(calendar: Calendar, *, now: datetime) -> dict[str, object]:
    """Collect what a page shows of a calendar."""
    version = calendars.current(calendar, now=now)
    hours = calendars.working_time(version)
    today = localtime(now).date()
    return {
        "calendar": calendar,
        "version": version,
        "hours": calendars.hours_in_words(version),
        "week": calendars.week(version),
        "holidays": calendars.holidays_between(version, today, today + DAYS_AHEAD),
        "special": calendars.special_between(version, today, today + DAYS_AHEAD),
        "is_open": hours.is_open(now),
        "opens_at": hours.next_open(now),
    }


@requires(Act.SEE_AGREEMENTS)
@require_safe
def calendar_detail(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Read one calendar: its hours, where it is used, and what it said before."""
    calendar = get_object_or_404(Calendar, public_id=public_id)
    return _detail(request, calendar)


def _detail(request: SignedInRequest, calendar: Calendar, *, refusal: str = "", status: int = 200) -> HttpResponse:
    now = clock.now()
    versions = [
        (version, calendars.hours_in_words(version)) for version in calendar.versions.select_related("created_by")
    ]
    context = {
        **_shown(calendar, now=now),
        "versions": versions,
        "uses": calendar_editing.uses(calendar),
        "refusal": refusal,
        "may_edit": may(request.user, Act.EDIT_CALENDARS),
        "now": now,
    }
    return render(request, "sla/calendar_detail.html", context, status=status)


@requires(Act.EDIT_CALENDARS)
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_new(request: SignedInRequest) -> HttpResponse:
    """Make a calendar."""
    now = clock.now()
    start = Hours(timezone=request.user.timezone, week=NEW_HOURS)
    form = CalendarForm(request.POST if request.method == "POST" else None, hours=start)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            made = calendar_editing.create(
                told["name"], hours=form.hours(), by=request.user, note=told["note"], now=now
            )
        except calendar_editing.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("%(name)s is there. Agreements can name it from now on.") % {"name": made})
            return redirect("sla:calendar", made.public_id)
    return _editor(request, form, calendar=None, now=now)


@requires(Act.EDIT_CALENDARS)
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_edit(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Edit a calendar: what is saved holds from now on, clocks that run keep the version they started under."""
    calendar = get_object_or_404(Calendar, public_id=public_id)
    now = clock.now()
    form = CalendarForm(
        request.POST if request.method == "POST" else None, hours=_hours_now(calendar), initial=_initial(calendar)
    )
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            saved = calendar_editing.change(
                calendar,
                hours=form.hours(),
                by=request.user,
                note=told["note"],
                name=told["name"],
                seen=told["seen"],
                now=now,
            )
        except calendar_editing.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _saved_words(saved))
            return redirect("sla:calendar", calendar.public_id)
    return _editor(request, form, calendar=calendar, now=now)


def _hours_now(calendar: Calendar) -> Hours:
    return calendar_editing.hours_of(calendar.versions.latest("version"))


def _initial(calendar: Calendar) -> dict[str, object]:
    return {"name": calendar.name, "seen": calendar.versions.latest("version").version}


def _saved_words(saved: CalendarVersion | None) -> str:
    if saved is None:
        return _("Saved. The hours are what they were, so there is no new version.")
    words = {"version": saved.version}
    return _("Version %(version)d holds from now on. Clocks that run keep the hours they started under.") % words


def _editor(request: SignedInRequest, form: CalendarForm, *, calendar: Calendar | None, now: datetime) -> HttpResponse:
    """Show the form, and beside it what would be due by what stands in it."""
    tried = _tried(form, calendar=calendar, now=now)
    context = {"form": form, "calendar": calendar, **tried, "now": now}
    return render(request, "sla/calendar_edit.html", context, status=400 if form.errors else 200)


@requires(Act.EDIT_CALENDARS)
@require_POST
def calendar_preview(request: SignedInRequest, public_id: UUID | None = None) -> HttpResponse:
    """Say what would be due by hours that are not saved; without a script, the whole page with it."""
    calendar = get_object_or_404(Calendar, public_id=public_id) if public_id else None
    now = clock.now()
    form = CalendarForm(request.POST)
    if form.is_valid():
        form.refuse(calendar_editing.problems(form.hours(), now=now))
    if not request.htmx:
        return _editor(request, form, calendar=calendar, now=now)
    context = {"form": form, **_tried(form, calendar=calendar, now=now), "now": now}
    return render(request, "sla/_calendar_preview.html", context, status=400 if form.errors else 200)


def _tried(form: CalendarForm, *, calendar: Calendar | None, now: datetime) -> Mapping[str, object]:
    """Calculate with the hours of a form; without any while they make no calendar."""
    if form.errors:
        return {"tried": None}
    told: dict[str, datetime | None] = form.cleaned_data if form.is_bound else {}
    hours = form.hours() if form.is_bound else _unedited(form, calendar)
    at = told.get("at") or now
    version = calendar_editing.draft(hours, now=now)
    agreement = Agreement.objects.in_force(now=now).first()
    today = localtime(now).date()
    working_time = calendars.working_time(version)
    return {
        "tried": version,
        "at": at,
        "is_now": not told.get("at"),
        "words": calendars.hours_in_words(version),
        "is_open": working_time.is_open(at),
        "opens_at": working_time.next_open(at),
        "due": due_if(agreement, version, calendar=calendar, at=at) if agreement else [],
        "holidays": calendars.holidays_between(version, today, today + DAYS_AHEAD),
    }


def _unedited(form: CalendarForm, calendar: Calendar | None) -> Hours:
    return _hours_now(calendar) if calendar else Hours(timezone=str(form["timezone"].value()), week=NEW_HOURS)


@requires(Act.EDIT_CALENDARS)
@require_safe
def calendar_regions(request: SignedInRequest) -> HttpResponse:
    """Show the regions of a country."""
    form = CalendarForm(request.GET)
    return render(request, "sla/_calendar_regions.html", {"form": form})


@requires(Act.EDIT_CALENDARS)
@require_POST
def calendar_remove(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Remove a calendar that nothing uses."""
    calendar = get_object_or_404(Calendar, public_id=public_id)
    try:
        calendar_editing.remove(calendar)
    except calendar_editing.Refused as refused:
        return _detail(request, calendar, refusal=str(refused), status=400)
    messages.success(request, _("%(name)s is removed.") % {"name": calendar.name})
    return redirect("sla:calendars")
