"""Pages of teams: who gets how much, who is away, whose hours differ; and deactivating a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads.models import Temperature
from leadsla import clock
from leadsla.accounts.access import Act, requires
from leadsla.accounts.models import AwayTime, Role, Side, Team, User
from leadsla.accounts.requests import SignedInRequest
from sla import calendar_editing, leaving, team_editing, turns
from sla.models import Capacity, PersonalCalendar
from sla.team_forms import AwayForm, CapacityForm, OwnHoursForm, SuccessorForm
from sla.turns import Standing


@dataclass(frozen=True)
class Member:
    """One person of a team as the page shows them.

    Attributes:
        user: who.
        roles: in words.
        standing: among those who take turns; None for somebody who takes none.
        balances: how far they are from their fair share, in words, by temperature.
        capacity: weight and cap.
        away: now, or next.
        hours: the name of their own calendar.
    """

    user: User
    roles: list[str]
    standing: Standing | None
    balances: list[tuple[str, str]]
    capacity: Capacity
    away: AwayTime | None
    hours: str


def _members(team: Team, *, now: datetime) -> list[Member]:
    """Return the active people of a team with what the page shows of them."""
    people = list(team.members.filter(is_active=True).select_related("capacity").order_by("name", "pk"))
    standing: dict[int, Standing] = {}
    balances: dict[int, list[tuple[str, str]]] = {}
    for code, label in Temperature.choices if team.side == Side.SALES else []:
        for one in turns.standings(team, temperature=code, now=now):
            standing[one.user.pk] = one
            balances.setdefault(one.user.pk, []).append((str(label), _balance(one)))
    away: dict[int, AwayTime] = {}
    for each in AwayTime.objects.filter(user__in=people, ends_at__gt=now).select_related("stand_in"):
        away.setdefault(each.user_id, each)
    own = dict(PersonalCalendar.objects.filter(user__in=people).values_list("user", "calendar__name"))
    labels = dict(Role.choices)
    return [
        Member(
            user=person,
            roles=[str(labels[Role(role)]) for role in person.roles],
            standing=standing.get(person.pk),
            balances=balances.get(person.pk, []),
            capacity=getattr(person, "capacity", turns.NO_CAPACITY),
            away=away.get(person.pk),
            hours=own.get(person.pk, ""),
        )
        for person in people
    ]


def _balance(one: Standing) -> str:
    words = {"had": one.had, "of": one.of, "leads": f"{abs(one.balance):.1f}"}
    if one.balance >= turns.EVEN:
        return _("owed %(leads)s (had %(had)d of %(of)d in 30 days)") % words
    if one.balance <= -turns.EVEN:
        return _("ahead by %(leads)s (had %(had)d of %(of)d in 30 days)") % words
    return _("even (had %(had)d of %(of)d in 30 days)") % words


@requires(Act.MANAGE_TEAMS)
@require_safe
def teams(request: SignedInRequest) -> HttpResponse:
    """Show the teams that the person manages: members, weights, caps, load, balance of turns, away times."""
    now = clock.now()
    shown = [(team, _members(team, now=now)) for team in team_editing.teams_of(request.user)]
    return render(request, "sla/teams.html", {"teams": shown, "tab": "teams", "now": now})


def _person(request: SignedInRequest, public_id: UUID) -> User:
    return get_object_or_404(team_editing.people_of(request.user), public_id=public_id)


def _member_page(
    request: SignedInRequest,
    person: User,
    *,
    capacity: CapacityForm | None = None,
    hours: OwnHoursForm | None = None,
    away: AwayForm | None = None,
) -> HttpResponse:
    """Show the forms of a person; one that is given is bound and was refused."""
    now = clock.now()
    is_bad = any(form is not None for form in (capacity, hours, away))
    assert person.team is not None
    member = next(one for one in _members(person.team, now=now) if one.user == person)
    context = {
        "person": person,
        "member": member,
        "capacity": (capacity or CapacityForm(person=person)) if team_editing.takes_turns(person) else None,
        "hours": hours or OwnHoursForm(person=person),
        "away": away or AwayForm(person=person),
        "away_times": person.away_times.filter(ends_at__gt=now).select_related("stand_in"),
        "now": now,
    }
    return render(request, "sla/team_member.html", context, status=400 if is_bad else 200)


@requires(Act.MANAGE_TEAMS)
@require_safe
def member(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Show what can be set for one person."""
    return _member_page(request, _person(request, public_id))


@requires(Act.MANAGE_TEAMS)
@require_POST
def member_capacity(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Set weight and cap of a rep."""
    person = _person(request, public_id)
    form = CapacityForm(request.POST, person=person)
    if form.is_valid():
        try:
            team_editing.set_capacity(person, **form.cleaned_data)
        except team_editing.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("Saved. It counts from the next lead on."))
            return redirect("sla:member", person.public_id)
    return _member_page(request, person, capacity=form)


@requires(Act.MANAGE_TEAMS)
@require_POST
def member_hours(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Give a person hours of their own, or take them away."""
    person = _person(request, public_id)
    form = OwnHoursForm(request.POST, person=person)
    if not form.is_valid():
        return _member_page(request, person, hours=form)
    calendar_editing.set_personal(person, calendar=form.cleaned_data["calendar"])
    messages.success(request, _("Saved. Clocks that start from now on go by it; those that run keep their hours."))
    return redirect("sla:member", person.public_id)


@requires(Act.MANAGE_TEAMS)
@require_POST
def away_new(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Enter a time away."""
    person = _person(request, public_id)
    form = AwayForm(request.POST, person=person)
    if form.is_valid():
        try:
            team_editing.add_away(person, now=clock.now(), **form.cleaned_data)
        except team_editing.Refused as refused:
            form.refuse(refused.errors)
        else:
            messages.success(request, _("Saved. New leads go past %(person)s then.") % {"person": person})
            return redirect("sla:member", person.public_id)
    return _member_page(request, person, away=form)


@requires(Act.MANAGE_TEAMS)
@require_POST
def away_remove(request: SignedInRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Take a time away back, or end one that has begun."""
    person = _person(request, public_id)
    away = get_object_or_404(AwayTime, pk=pk, user=person)
    if team_editing.remove_away(away, now=clock.now()):
        messages.success(request, _("%(person)s is there again.") % {"person": person})
    else:
        messages.info(request, _("This time was over already."))
    return redirect("sla:member", person.public_id)


@requires(Act.MANAGE_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Deactivate a person, with a successor for what they leave behind."""
    person = get_object_or_404(User.objects.select_related("team"), public_id=public_id)
    form = SuccessorForm(request.POST if request.method == "POST" else None, person=person)
    if request.method == "POST" and form.is_valid():
        try:
            made = leaving.deactivate(person, to=form.cleaned_data["to"], by=request.user, now=clock.now())
        except leaving.Refused as refused:
            form.refuse(refused.errors)
        else:
            words = {"person": person, "to": made.successor if made else ""}
            said = _("%(person)s is inactive; %(to)s takes over.") if made else _("%(person)s is inactive.")
            messages.success(request, said % words)
            return redirect("sla:deactivate", person.public_id)
    context = {"person": person, "left": leaving.left_by(person), "form": form, "past": person.successions.all()}
    return render(request, "sla/deactivate.html", context, status=400 if form.errors else 200)
