"""Which handoffs, or clocks of a time promise, an address asks for, and the figure that they stand behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t

from feedback.models import Reason
from leads import lists, scoring
from leads.models import Origin, Temperature
from leadsla.accounts import visibility
from leadsla.accounts.models import Team, User
from leadsla.accounts.requests import SignedInRequest
from sla import measures, periods, scoreboard, versions
from sla.measures import CLOCKED, MEASURES, Measure, Part
from sla.models import Agreement, Clock, Commitment, Decision, Handoff
from sla.narrowing import owed_by
from sla.periods import Period
from sla.querysets import HandoffQuerySet

NONE = "none"  # in an address: without a source, without a campaign
AT_RISK, OVERDUE = "at_risk", "overdue"

STATES = (
    ("handed_over", _t("Handed over")),
    ("waiting", _t("Waiting for an answer")),
    ("overdue", _t("Answer overdue")),
    ("accepted", _t("Accepted")),
    ("rejected", _t("Rejected")),
    ("returned", _t("With marketing to be fixed")),
    ("given_back", _t("Given back")),
    ("opportunity", _t("Opportunity")),
    ("won", _t("Won")),
    ("lost", _t("Lost")),
    ("withdrawn", _t("Withdrawn by marketing")),
    ("open", _t("Open")),
    ("closed", _t("Closed")),
)
PARTS: dict[str, tuple[Part, ...]] = {
    "cases": (Part.KEPT, Part.AGAINST),
    **{part.value: (part,) for part in Part},
}
PART_WORDS = {
    "cases": _t("Counted"),
    Part.KEPT.value: _t("Kept"),
    Part.AGAINST.value: _t("Not kept"),
    Part.OPEN.value: _t("Open"),
    Part.WAIVED.value: _t("Waived"),
    Part.LEFT_OUT.value: _t("Left out"),
}
NOTE_WORDS = {
    "override": _t("gate overridden"),
    "withdrawn": _t("withdrawn by marketing before an answer"),
    "same_company": _t("another person of the same company"),
    "above_range": _t("above the agreed range"),
    "above_share": _t("above the range's share of a working day"),
    "accepted": _t("accepted"),
    "fixed": _t("not right the first time: fixed, then accepted"),
    "overturned": _t("rejected, contested and overturned"),
    "contested": _t("contested, waiting for a ruling"),
    "neither": _t("contested, and nobody ruled in time"),
    "silent": _t("no answer by twice the decision time"),
    "given_back": _t("given back as not as defined"),
    "rejected": _t("rejected"),
    "not_counted": _t("reason does not count against marketing"),
    "waiting": _t("waiting for an answer"),
    "met": _t("in time"),
    "late": _t("late"),
    "missed": _t("missed"),
    "overdue": _t("overdue, still running"),
    "running": _t("running"),
    "paused": _t("paused"),
    "waived": _t("waived"),
}


class Wanted(forms.Form):
    """What of the list is wanted, from the address."""

    period = forms.CharField(label=_t("Period"), required=False, max_length=10)
    agreement = forms.UUIDField(label=_t("Agreement"), required=False)
    measure = forms.ChoiceField(
        label=_t("Promise"), choices=[(code, code) for code in Commitment.Measure.values], required=False
    )
    part = forms.ChoiceField(label=_t("Part"), choices=[(code, code) for code in PARTS], required=False)
    note = forms.ChoiceField(label=_t("Why"), choices=[(code, code) for code in NOTE_WORDS], required=False)
    as_of = forms.CharField(label=_t("As of"), required=False, max_length=40)
    clock = forms.ChoiceField(label=_t("Clock"), choices=[(AT_RISK, AT_RISK), (OVERDUE, OVERDUE)], required=False)
    state = forms.ChoiceField(label=_t("Any state"), choices=STATES, required=False)
    reason = forms.ChoiceField(label=_t("Any reason"), required=False)
    source = forms.ChoiceField(label=_t("Any source"), required=False)
    campaign = forms.ChoiceField(label=_t("Any campaign"), required=False)
    team = forms.ModelChoiceField(Team.objects.all(), label=_t("Any team"), required=False, to_field_name="public_id")
    person = forms.ModelChoiceField(
        User.objects.none(), label=_t("Any person"), required=False, to_field_name="public_id"
    )
    temperature = forms.ChoiceField(label=_t("Any temperature"), choices=Temperature.choices, required=False)
    band = forms.ChoiceField(label=_t("Any score"), required=False)
    origin = forms.ChoiceField(label=_t("Live and imported"), choices=Origin.choices, required=False)

    def __init__(self, request: SignedInRequest) -> None:
        super().__init__(request.GET)
        given = request.GET
        nothing = [(NONE, _("None"))]
        choices = {
            "source": lists.source_choices(chosen=given.get("source", "")) + nothing,
            "campaign": lists.campaign_choices(chosen=given.get("campaign", "")) + nothing,
            "reason": list(Reason.objects.values_list("code", "label")),
            "band": [(code, label) for code, label, _low, _high in scoring.bands()] + nothing,
        }
        for name, rows in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = rows
        people = self.fields["person"]
        assert isinstance(people, forms.ModelChoiceField)
        # Figures of a person are for that person and their own manager.
        people.queryset = User.objects.filter(pk__in=visibility.figures_of(request.user)).order_by("name")

    def clean_period(self) -> str:
        """Refuse what is no month and no quarter."""
        text = str(self.cleaned_data["period"])
        if text and periods.read(text) is None:
            raise forms.ValidationError(
                _("“%(text)s” is not a period; write it as 2026-03 or 2026-Q1.") % {"text": text}
            )
        return text

    def clean_as_of(self) -> datetime | None:
        """Refuse what is no moment with a zone."""
        text = str(self.cleaned_data["as_of"]).replace(" ", "+")
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None or is_naive(moment) or not periods.is_in_reach(moment):
            raise forms.ValidationError(_("“%(text)s” is not a moment.") % {"text": text})
        return moment

    def clean_agreement(self) -> Agreement | None:
        """Find the agreement."""
        public_id: UUID | None = self.cleaned_data["agreement"]
        if public_id is None:
            return None
        found = scoreboard.agreements().filter(public_id=public_id).first()
        if found is None:
            raise forms.ValidationError(_("There is no such agreement."))
        return found

    def choices(self, name: str) -> list[tuple[str, str]]:
        """Return value and label of what can be chosen."""
        widget = self.fields[name].widget
        assert isinstance(widget, forms.Select)
        return [(str(value), str(label)) for value, label in widget.choices if str(value)]

    def value(self, name: str) -> Any:
        """Return what is wanted; None or "" when it is not given or wrong."""
        return self.cleaned_data.get(name) or ""


@dataclass(frozen=True)
class Figure:
    """The figure behind which the rows stand, where they are those of a promise.

    Attributes:
        measure: its definition.
        title: its name.
        parts: code, words, how many, and whether it is the chosen one.
        notes: why the rows of the chosen part are there: code, words, how many.
        count: how many rows there are in all, also those that the person does not see.
    """

    measure: Measure
    title: str
    parts: list[tuple[str, str, int, bool]]
    notes: list[tuple[str, str, int]]
    count: int


class Listing:
    """The rows that an address asks for, and what the page says about them."""

    def __init__(self, wanted: Wanted, *, user: User, now: datetime) -> None:
        self.wanted, self.user, self.now = wanted, user, now
        self.as_of: datetime = min(wanted.value("as_of") or now, now)
        self.measure = str(wanted.value("measure"))
        self.part = str(wanted.value("part") or "cases")

    @property
    def agreement(self) -> Agreement | None:
        """Return the agreement: of a period the version under which it is judged."""
        return self._scope.agreement if self._scope else self._named

    @cached_property
    def _named(self) -> Agreement | None:
        """Return the chosen agreement; for a figure the one that applies now, when none is chosen."""
        chosen: Agreement | None = self.wanted.value("agreement") or None
        if chosen is None and (self.measure or self.wanted.value("period")):
            return scoreboard.usual(list(scoreboard.agreements()), now=self.now)
        return chosen

    @cached_property
    def period(self) -> Period | None:
        """Return the chosen period, in the agreement's zone; for a figure the current one, when none is chosen."""
        day = periods.read(str(self.wanted.value("period")))
        if self._named is None:
            return None
        if day is not None:
            return measures.period_of(self._named, day)
        return scoreboard.current_period(self._named, now=self.now) if self.measure else None

    @cached_property
    def _scope(self) -> measures.Scope | None:
        if self._named is None or self.period is None:
            return None
        return measures.scope(versions.judged_under(self._named, self.period), self.period, now=self.as_of)

    @property
    def has_clocks(self) -> bool:
        """Tell whether the rows are clocks."""
        return self.measure in CLOCKED or bool(self.wanted.value("clock"))

    @cached_property
    def figure(self) -> Figure | None:
        """Return the figure behind which the rows stand; None for a list without a promise."""
        if not self.measure or self._scope is None:
            return None
        found = scoreboard.parts_of([self._scope], now=self.as_of, measure=self.measure)
        counts = {part.value: sum(count for _note, count in found.get(part, [])) for part in Part}
        counts["cases"] = sum(counts[part] for part in self._parts("cases"))
        shown = [
            (code, str(words), counts[code], code == self.part)
            for code, words in PART_WORDS.items()
            if counts[code] or code in {"cases", self.part}
        ]
        notes: dict[str, int] = {}
        for part in self._parts(self.part):
            for note, count in found.get(part, []):
                notes[note] = notes.get(note, 0) + count
        told = [(note, str(NOTE_WORDS.get(note, note)), count) for note, count in notes.items() if note]
        chosen = self.wanted.value("note")
        count = notes.get(chosen, 0) if chosen else counts[self.part]
        title = str(Commitment.Measure(self.measure).label)
        return Figure(MEASURES[self.measure], title, shown, told if len(told) > 1 else [], count)

    def _parts(self, code: str) -> tuple[Part, ...]:
        if code == "cases" and MEASURES[self.measure].counts_open:
            return (*PARTS[code], Part.OPEN)
        return PARTS[code]

    @cached_property
    def handoffs(self) -> HandoffQuerySet:
        """Return the handoffs that are wanted and that the person sees."""
        found = Handoff.objects.visible_to(self.user)
        if self._scope and self.figure:
            ids = measures.handoff_ids(
                [self._scope],
                now=self.as_of,
                measure=self.measure,
                parts=self._parts(self.part),
                note=str(self.wanted.value("note")),
            )
            found = found.filter(pk__in=ids)
        elif self._scope:
            found = found.filter(
                agreement__in=self._scope.counted,
                handed_over_at__gte=self._scope.period.starts_at,
                handed_over_at__lt=self._scope.period.ends_at,
            )
        elif self.wanted.value("agreement"):
            found = found.filter(agreement=self.wanted.value("agreement"))
        state = str(self.wanted.value("state"))
        if state:
            found = found.filter(in_state(state, now=self.now))
        return self._by_columns(found).order_by("-handed_over_at", "-pk")

    @cached_property
    def clocks(self) -> QuerySet[Clock]:
        """Return the clocks that are wanted and that the person sees."""
        if self.wanted.value("clock"):
            found = scoreboard.at_risk(self.agreement, user=self.user, now=self.now)
            if self.wanted.value("clock") == OVERDUE:
                found = found.filter(due_at__lt=self.now)
        else:
            ids = (
                measures.clock_ids(
                    [self._scope],
                    now=self.as_of,
                    measure=self.measure,
                    parts=self._parts(self.part),
                    note=str(self.wanted.value("note")),
                )
                if self._scope and self.figure
                else []
            )
            found = Clock.objects.visible_to(self.user).filter(pk__in=ids).order_by("due_at", "pk")
        if self.wanted.value("temperature"):
            found = found.filter(temperature=self.wanted.value("temperature"))
        if self.wanted.value("team"):
            found = found.filter(team=self.wanted.value("team"))
        if self.wanted.value("person"):
            found = found.filter(owed_by(self.wanted.value("person").pk))
        for name in ("source", "campaign"):
            if self.wanted.value(name):
                found = found.filter(**_code(f"handoff__{name}", str(self.wanted.value(name))))
        return found.select_related("lead", "handoff", "owner", "team", "calendar_version", "limit")

    def filters(self) -> list[dict[str, Any]]:
        """Return what components/_filters.html shows: the filters that make sense for these rows."""
        names = ["source", "campaign", "team", "temperature"]
        if not self.has_clocks:
            names += ["reason"] if self.measure else ["state", "reason", "band"]
        if len(visibility.figures_of(self.user)) > 1:
            names.append("person")
        return [
            {
                "name": name,
                "label": self.wanted.fields[name].label,
                "value": self.wanted.data.get(name, ""),
                "choices": self.wanted.choices(name),
            }
            for name in names
        ]

    def kept(self) -> list[tuple[str, str]]:
        """Return what of the address the filters keep beside themselves."""
        names = ["period", "agreement", "measure", "part", "note", "as_of", "clock", "origin"]
        if self.measure:
            names += ["state", "band"]
        return [(name, str(self.wanted.data[name])) for name in names if self.wanted.data.get(name)]

    def _by_columns(self, found: HandoffQuerySet) -> HandoffQuerySet:
        wanted = self.wanted
        for name in ("source", "campaign"):
            if wanted.value(name):
                found = found.filter(**_code(name, str(wanted.value(name))))
        if wanted.value("reason"):
            found = found.filter(reason=wanted.value("reason"))
        if wanted.value("band"):
            found = found.filter(band="" if wanted.value("band") == NONE else wanted.value("band"))
        for name, column in (("team", "to_team"), ("person", "owner"), ("temperature", "temperature")):
            if wanted.value(name):
                found = found.filter(**{column: wanted.value(name)})
        if wanted.value("origin"):
            found = found.filter(origin=wanted.value("origin"))
        return found


def _code(name: str, value: str) -> dict[str, Any]:
    return {f"{name}__isnull": True} if value == NONE else {f"{name}__code": value}


def in_state(state: str, *, now: datetime) -> Q:
    """Return the filter for one of `STATES`."""
    handed_over = scoreboard.is_handed_over()
    filters = {
        "handed_over": handed_over,
        "waiting": handed_over & Q(decision=""),
        "overdue": handed_over & scoreboard.is_overdue(now=now),
        "accepted": handed_over & Q(decision=Decision.ACCEPTED),
        "rejected": handed_over & Q(decision=Decision.REJECTED),
        "returned": Q(closed_at=None, is_returned=True),
        "withdrawn": Q(closed_because=Handoff.ClosedBecause.WITHDRAWN),
        "open": Q(closed_at=None),
        "closed": Q(closed_at__isnull=False),
    }
    return filters.get(state) or Q(**{f"{state}_at__isnull": False})
