"""Forms of the draft editor: what was typed becomes what `drafting` takes; its refusals stand beside the fields."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t
from django_stubs_ext import StrOrPromise

from leads.models import Criterion, ScoreModel, Temperature
from leadsla.accounts.models import User
from sla import calendars, draft_escalation, drafting, periods, typed
from sla.drafting import CLOCKS, Limit, Measure, Refused, Step
from sla.models import Agreement, Calendar, EscalationStep, Target, TimeLimit

Read = TypeVar("Read")
STARTS_OFFERED = 12
MOST_STEPS = 30

# --- fields


class TimeField(forms.CharField):
    """A time as people type it: `5 min`, `1 h 30`, `2 working days`."""

    def clean(self, value: Any) -> typed.Time | None:
        """Read the time; None where nothing was typed."""
        return _parsed(typed.time, value=super().clean(value))


class MinutesField(forms.CharField):
    """Hours and minutes as people type them; nothing is none."""

    def clean(self, value: Any) -> int:
        """Read the minutes."""
        return _parsed(typed.minutes, value=super().clean(value)) or 0


class RateField(forms.CharField):
    """A rate as people type it: `9 in 10`, `62 %`."""

    def clean(self, value: Any) -> Decimal | None:
        """Read the share of 1; None where nothing was typed."""
        return _parsed(typed.rate, value=super().clean(value))


class FigureField(forms.CharField):
    """A number as people type it; none where nothing was typed."""

    def clean(self, value: Any) -> Decimal | None:
        """Read the number."""
        return _parsed(typed.figure, value=super().clean(value))


class WholeField(forms.CharField):
    """A whole number as people type it; its bounds are the domain's matter."""

    def clean(self, value: Any) -> int | None:
        """Read the number; None where nothing was typed."""
        found = _parsed(typed.figure, value=super().clean(value))
        if found is not None and found != int(found):
            raise forms.ValidationError(_("Give a whole number."))
        return None if found is None else int(found)


class RowField(forms.TypedChoiceField):
    """One of some rows, named by its public id. The rows are loaded once for all fields of a page that offer them."""

    def __init__(self, rows: Mapping[str, Any], *, empty: StrOrPromise, label: StrOrPromise) -> None:
        super().__init__(
            choices=[("", empty), *((code, str(row)) for code, row in rows.items())],
            coerce=lambda code: rows[code],
            empty_value=None,
            required=False,
            label=label,
            widget=_list(),
        )


def calendars_by_id() -> dict[str, Calendar]:
    """Return all calendars by public id."""
    return {str(one.public_id): one for one in Calendar.objects.all()}


def people_by_id() -> dict[str, User]:
    """Return everybody who is active by public id."""
    return {str(one.public_id): one for one in User.objects.filter(is_active=True).order_by("name")}


def _parsed(read: Callable[[str], Read], *, value: str) -> Read | None:
    if not value:
        return None
    try:
        return read(value)
    except ValueError as wrong:
        raise forms.ValidationError(str(wrong)) from wrong


def _short(**attrs: StrOrPromise) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "class": "field short"} | attrs)


def _list() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


def _tick() -> forms.CheckboxInput:
    return forms.CheckboxInput(attrs={"class": "form-check-input"})


class SectionForm(forms.Form):
    """One section of the editor: it keeps what was typed and shows what the domain refuses."""

    names: ClassVar[Mapping[str, str]] = {}  # what the domain calls a field -> its name here

    def refuse(self, refused: Refused) -> None:
        """Put each refusal beside its field; what belongs to none stands above."""
        for key, text in refused.errors.items():
            name = self.names.get(key, key)
            self.add_error(name if name in self.fields else None, text)


# --- terms


class AboutForm(SectionForm):
    """What the agreement is called, why it should change, and from when it holds."""

    name = forms.CharField(label=_t("Name"), max_length=120)
    why = forms.CharField(
        label=_t("Why it should change"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_t("The other side reads this first."),
    )
    period = forms.ChoiceField(
        label=_t("Counted by"), choices=[("month", _t("Month")), ("quarter", _t("Quarter"))], required=True
    )
    starts_on = forms.TypedChoiceField(
        label=_t("Holds from"), required=False, coerce=date.fromisoformat, empty_value=None
    )

    def __init__(self, *args: Any, draft: Agreement, now: datetime, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "name": draft.name,
            "why": draft.why,
            "period": draft.period,
            "starts_on": draft.starts_on.isoformat() if draft.starts_on else "",
        }
        super().__init__(*args, **kwargs)
        field = self.fields["starts_on"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = _starts(draft, now=now)
        field.help_text = (
            _("A day needs both signatures before it. It takes the place of version %(number)d.")
            % {"number": draft.based_on.version}
            if draft.based_on is not None
            else _("A day needs both signatures before it.")
        )

    def terms(self) -> drafting.Terms:
        """Return what was typed."""
        told = self.cleaned_data
        return {
            "name": told["name"],
            "why": told["why"],
            "period": told["period"],
            "starts_on": told["starts_on"],
        }


def _starts(draft: Agreement, *, now: datetime) -> list[tuple[str, StrOrPromise]]:
    """Return the first days of the next periods; "as soon as both have signed" where that may be."""
    found: list[tuple[str, StrOrPromise]] = []
    before = draft.based_on
    if before is None or before.is_provisional or draft.changes_score_model_only or draft.starts_on is None:
        found.append(("", _t("as soon as both sides have signed")))
    kinds = {draft.period} | ({before.period} if before is not None else set())
    kind = "quarter" if "quarter" in kinds else "month"
    period = periods.containing(now, kind=kind, timezone=draft.timezone)
    offered = [periods.back(period, -ahead) for ahead in range(1, (STARTS_OFFERED if kind == "month" else 6) + 1)]
    found += [(one.start.isoformat(), f"{_day(one.start)}, {one.label}") for one in offered]
    known = {code for code, _label in found}
    if draft.starts_on is not None and draft.starts_on.isoformat() not in known:
        found.append((draft.starts_on.isoformat(), _day(draft.starts_on)))
    return found


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


class RulesForm(SectionForm):
    """How it is counted, how leads are handed over, and who rules when the sides differ."""

    calendar = forms.ModelChoiceField(
        Calendar.objects.all(),
        label=_t("Working time"),
        empty_label=None,
        to_field_name="public_id",
        help_text=_t("Days and hours are counted in this calendar, unless a promise names another."),
    )
    timezone = forms.CharField(
        label=_t("Time zone of the periods"),
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        help_text=_t("Midnight of this zone parts one period from the next, as Europe/Berlin."),
    )
    settle_working_days = WholeField(
        label=_t("Settled after"),
        widget=_short(inputmode="numeric"),
        help_text=_t("working days after the period's end; then its figures no longer change"),
    )
    kept_working_days = WholeField(
        label=_t("Accepted means kept for"),
        widget=_short(inputmode="numeric"),
        help_text=_t("working days: given back within them as not as defined, it does not count as accepted"),
    )
    opportunity_working_days = WholeField(
        label=_t("An opportunity counts within"),
        widget=_short(inputmode="numeric"),
        help_text=_t("working days of the handover"),
    )
    customer_days = WholeField(
        label=_t("A customer counts within"),
        widget=_short(inputmode="numeric"),
        help_text=_t("days of the handover"),
    )
    counts_companies = forms.BooleanField(
        label=_t("Of several people of one company, one in 30 days counts"), required=False
    )
    hands_over_automatically = forms.BooleanField(
        label=_t("Qualified leads are handed over by themselves"), required=False
    )
    restarts_on_reassignment = forms.BooleanField(
        label=_t("Giving a lead to somebody else starts its clocks anew"), required=False
    )
    covers_second_leg = forms.BooleanField(
        label=_t(
            "The times hold as well when sales passes a lead on, as from a development rep to an account executive"
        ),
        required=False,
    )
    ruling_person = forms.ModelChoiceField(
        User.objects.none(),
        label=_t("Who rules when the managers differ"),
        required=False,
        to_field_name="public_id",
        empty_label=_t("nobody: it counts for neither side"),
        help_text=_t("A rejection that marketing contests goes to one manager of each side first."),
    )
    ruling_working_days = WholeField(
        label=_t("A contest is ruled within"),
        widget=_short(inputmode="numeric"),
        help_text=_t("working days"),
    )

    counted = ("calendar", "timezone", "settle_working_days")
    windows = ("kept_working_days", "opportunity_working_days", "customer_days")
    switches = ("hands_over_automatically", "counts_companies", "restarts_on_reassignment", "covers_second_leg")
    ruling = ("ruling_person", "ruling_working_days")

    def __init__(self, *args: Any, draft: Agreement, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(draft, name) for name in self.base_fields} | {
            "calendar": draft.calendar.public_id,
            "ruling_person": draft.ruling_person.public_id if draft.ruling_person else None,
        }
        super().__init__(*args, **kwargs)
        field = self.fields["ruling_person"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.filter(is_active=True).order_by("name")

    def terms(self) -> drafting.Terms:
        """Return what was typed."""
        told: drafting.Terms = {name: self.cleaned_data[name] for name in self.fields}  # type: ignore[assignment]  # the fields are named as the terms
        return told

    def parts(self) -> list[tuple[StrOrPromise, list[forms.BoundField]]]:
        """Return the fields by what they are about, for the page."""
        titles = (
            (_("How time is counted"), self.counted),
            (_("How long results may take to count"), self.windows),
            (_("How leads move"), self.switches),
            (_("When the sides differ about a rejection"), self.ruling),
        )
        return [(title, [self[name] for name in names]) for title, names in titles]

    def zones(self) -> list[str]:
        """Return the names of all time zones."""
        return sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/"))


class OrderForm(SectionForm):
    """The place of the agreement among the others; its scope is typed in rows of a condition beside it."""

    position = WholeField(label=_t("Place in the order"), widget=_short(inputmode="numeric"))

    def __init__(self, *args: Any, draft: Agreement, **kwargs: Any) -> None:
        kwargs["initial"] = {"position": draft.position}
        super().__init__(*args, **kwargs)
        self.others = list(
            Agreement.objects.filter(status__in=drafting.FOLLOWED, is_provisional=False)
            .exclude(series=draft.series)
            .order_by("position")
        )
        self.fields["position"].help_text = _(
            "The agreement with the lowest place is asked first; the first whose leads include a lead applies to it."
        )


# --- promises


class PromiseForm(SectionForm):
    """One promise: its figure, its times by temperature, and where the figure comes from."""

    def __init__(
        self,
        *args: Any,
        draft: Agreement,
        measure: str,
        target: Target | None = None,
        offered: Mapping[str, Calendar] | None = None,
        **kwargs: Any,
    ) -> None:
        self.offered = calendars_by_id() if offered is None else offered
        self.draft, self.measure, self.target = draft, Measure(measure), target
        self.is_clock, self.is_quantity = measure in CLOCKS, measure == Measure.QUANTITY
        kwargs |= {"prefix": measure, "initial": self._stored()}
        super().__init__(*args, **kwargs)
        if self.is_quantity:
            self.fields["at_least"] = FigureField(label=_("At least"), widget=_short(inputmode="decimal"))
            self.fields["at_most"] = FigureField(
                label=_("At most"),
                required=False,
                widget=_short(inputmode="decimal"),
                help_text=_("Sales's capacity: above it nothing more is owed. Empty: no upper end."),
            )
        else:
            self.fields["at_least"] = RateField(
                label=_("How often") if self.is_clock or measure == Measure.USABLE_REASONS else _("At least"),
                widget=_short(),
                help_text=_("As 9 in 10, or 90 %."),
            )
        if self.is_clock:
            self._add_times()
        self.fields["note"] = forms.CharField(
            label=_("Where the figure comes from"),
            required=False,
            max_length=250,
            help_text=_("Stands under the sentence in the contract, as “median of the last 12 months”."),
        )

    names: ClassVar[Mapping[str, str]] = {
        f"{temperature}_{given}": f"{temperature}_within"
        for temperature in ("hot", "warm", "cool")
        for given in ("minutes", "working_days")
    }

    def _stored(self) -> dict[str, Any]:
        if self.target is None:
            return {"counts_owner_hours": False}
        share = self.target.at_least
        stored: dict[str, Any] = {
            "note": self.target.note,
            "counts_owner_hours": self.target.counts_owner_hours,
            "at_least": _plain(share)
            if self.is_quantity
            else typed.rate_written(share, in_times=self.is_clock or self.measure == Measure.USABLE_REASONS),
            "at_most": "" if self.target.at_most is None else _plain(self.target.at_most),
        }
        for limit in self.limits_stored().values():
            stored |= {
                f"{limit.temperature}_within": calendars.limit_in_words(limit),
                f"{limit.temperature}_attempts": limit.attempts,
                f"{limit.temperature}_channels": limit.channels,
                f"{limit.temperature}_calendar": str(limit.calendar.public_id),
            }
        return stored

    def limits_stored(self) -> dict[str, TimeLimit]:
        """Return the times that the draft promises now, by temperature."""
        return {} if self.target is None else {limit.temperature: limit for limit in self.target.limits.all()}

    def _add_times(self) -> None:
        for temperature, plain in Temperature.choices:
            label = capfirst(str(plain))
            self.fields[f"{temperature}_within"] = TimeField(
                label=_("%(temperature)s, within") % {"temperature": label},
                required=False,
                widget=_short(**{"class": "field time"}),
            )
            if self.measure == Measure.ATTEMPTS:
                for name, words in (("attempts", _("attempts")), ("channels", _("channels"))):
                    self.fields[f"{temperature}_{name}"] = WholeField(
                        label=f"{label}, {words}", required=False, widget=_short(inputmode="numeric")
                    )
            self.fields[f"{temperature}_calendar"] = RowField(
                self.offered,
                empty=_("the agreement's"),
                label=_("%(temperature)s, in the working time of") % {"temperature": label},
            )
        self.fields["counts_owner_hours"] = forms.BooleanField(
            label=_("Where the owner has working hours of their own, those count"), required=False
        )

    def rows(self) -> list[tuple[str, list[tuple[str, forms.BoundField]]]]:
        """Return the fields of the times by temperature, each with its column's head, for the page."""
        heads = {"within": _("Within"), "attempts": _("Attempts"), "channels": _("Channels"), "calendar": _("Hours of")}
        return [
            (
                capfirst(str(label)),
                [
                    (head, self[f"{temperature}_{name}"])
                    for name, head in heads.items()
                    if f"{temperature}_{name}" in self.fields
                ],
            )
            for temperature, label in Temperature.choices
        ]

    def clean(self) -> dict[str, Any]:
        """Ask for a time where something else was told for a temperature."""
        told = super().clean() or self.cleaned_data
        for temperature in Temperature.values if self.measure == Measure.ATTEMPTS else ():
            within = f"{temperature}_within"
            counted = told.get(f"{temperature}_attempts") or told.get(f"{temperature}_channels")
            if counted and within not in self.errors and not told.get(within):
                self.add_error(within, _("Within which time? As 10 working days."))
        return told

    def limits(self) -> dict[str, Limit]:
        """Return the times that were typed, by temperature; what is left empty is promised no time."""
        told, stored = self.cleaned_data, self.limits_stored()
        found = {}
        for temperature in Temperature.values:
            within: typed.Time | None = told.get(f"{temperature}_within")
            if within is None:
                continue
            kept = {"warn_share": stored[temperature].warn_share} if temperature in stored else {}
            found[temperature] = Limit(
                minutes=within.minutes,
                working_days=within.working_days,
                calendar=told.get(f"{temperature}_calendar"),
                attempts=told.get(f"{temperature}_attempts"),
                channels=told.get(f"{temperature}_channels"),
                **kept,
            )
        return found


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


# --- escalation


class StepForm(SectionForm):
    """One step for a clock that nobody stops."""

    share = FigureField(label=_t("At % of the time"), required=False, widget=_short(inputmode="decimal"))
    minutes = MinutesField(label=_t("and later by"), required=False, widget=_short(placeholder=_t("as 30 min")))
    action = forms.ChoiceField(
        label=_t("What happens"), choices=[("", _t("Choose")), *EscalationStep.Action.choices], widget=_list()
    )
    measures = forms.MultipleChoiceField(
        label=_t("For which clocks"), required=False, widget=forms.CheckboxSelectMultiple
    )
    is_urgent = forms.BooleanField(label=_t("Also outside of their working hours"), required=False, widget=_tick())

    def __init__(
        self, *args: Any, clocks: list[tuple[str, StrOrPromise]], people: Mapping[str, User], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.clocks = clocks
        self.fields["recipient"] = RowField(people, empty=_("nobody"), label=_("Named person"))
        field = self.fields["measures"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = clocks

    @property
    def is_new(self) -> bool:
        """Tell whether it is an empty row: there is nothing to remove."""
        return self.empty_permitted and not self.has_changed()

    @property
    def clocks_chosen(self) -> str:
        """Return the clocks that are ticked, in words."""
        chosen = set(self["measures"].value() or ())
        return ", ".join(str(label) for code, label in self.clocks if code in chosen)

    def clean(self) -> dict[str, Any]:
        """Ask for a moment."""
        told = super().clean() or self.cleaned_data
        if not {"share", "minutes"} & self.errors.keys() and told.get("share") is None and not told.get("minutes"):
            self.add_error("share", _("When? Give a share of the time, as 80; or how long after the start."))
        return told

    def step(self) -> Step:
        """Return what was typed."""
        told = self.cleaned_data
        return Step(
            action=told["action"],
            share=(told["share"] or Decimal(0)) / 100,
            minutes=told["minutes"],
            measures=tuple(told["measures"]),
            recipient=told["recipient"] if told["action"] == EscalationStep.Action.PERSON else None,
            is_urgent=told["is_urgent"],
        )


class EscalationForm(forms.BaseFormSet[StepForm]):
    """The steps for leads of one temperature."""

    @classmethod
    def of(
        cls,
        draft: Agreement,
        *,
        temperature: str,
        now: datetime,
        data: Any = None,
        people: Mapping[str, User] | None = None,
        promised: list[str] | None = None,
    ) -> EscalationForm:
        """Return the rows of a temperature: from what was posted, else from the draft, with an empty one at the end.

        Args:
            draft: the draft.
            temperature: hot, warm or cool.
            now: the moment.
            data: what was posted.
            people: who can be named; None loads them.
            promised: codes of what is promised; None loads them.
        """
        if promised is None:
            promised = list(draft.targets.values_list("commitment__measure", flat=True))
        clocks = [(one, Measure(one).label) for one in promised if one in CLOCKS]  # as the contract has them
        steps = [] if data is not None else draft_escalation.in_order(draft, temperature, now=now)
        made = forms.formset_factory(
            StepForm, formset=cls, extra=1, can_delete=True, max_num=MOST_STEPS, absolute_max=MOST_STEPS + 1
        )
        if data is not None:
            data = _as_new(data, f"steps-{temperature}", is_adding=data.get("act") == "add")
        initial = [
            {
                "share": _plain(step.share * 100) if step.share or not step.minutes else "",
                "minutes": typed.minutes_written(step.minutes),
                "action": step.action,
                "recipient": str(step.recipient.public_id) if step.recipient else "",
                "measures": step.measures,
                "is_urgent": step.is_urgent,
            }
            for step in steps
        ]
        found = made(
            data,
            prefix=f"steps-{temperature}",
            initial=initial,
            form_kwargs={"clocks": clocks, "people": people_by_id() if people is None else people},
        )
        assert isinstance(found, cls)
        return found

    def add_fields(self, form: StepForm, index: int | None) -> None:
        """Let the tick that removes a row look like the others."""
        super().add_fields(form, index)
        form.fields["DELETE"].widget = _tick()

    def _kept(self) -> list[StepForm]:
        return [form for form in self.forms if form.has_changed() and form not in self.deleted_forms]

    def steps(self) -> list[Step]:
        """Return the steps that were typed, without empty rows and those to be removed."""
        return [form.step() for form in self._kept()]

    def refuse(self, refused: Refused) -> None:
        """Put each refusal beside its row and field."""
        kept = self._kept()
        for key, text in refused.errors.items():
            _steps, _dot, rest = key.partition(".")
            place, _dot, name = rest.partition(".")
            if place.isdecimal() and int(place) < len(kept):
                kept[int(place)].refuse(Refused({name: text}))
            else:
                self.non_form_errors().append(text)


def _as_new(data: Any, prefix: str, *, is_adding: bool) -> Any:
    """Let every row be emptied, which removes it; and add one where that was asked for."""
    changed = data.copy()
    total = changed.get(f"{prefix}-TOTAL_FORMS", "0")
    if is_adding and total.isdecimal() and len(total) < 4 and int(total) < MOST_STEPS:
        changed[f"{prefix}-TOTAL_FORMS"] = str(int(total) + 1)
    changed[f"{prefix}-INITIAL_FORMS"] = "0"
    return changed


# --- definition


class DefinitionForm(SectionForm):
    """When a lead is qualified: the line, and what each door asks for."""

    name = forms.CharField(label=_t("Name of the definition"), max_length=120)
    score_model = forms.ModelChoiceField(ScoreModel.objects.none(), label=_t("Score model"), empty_label=None)
    threshold = FigureField(label=_t("Score of at least"), widget=_short(inputmode="decimal"))
    intent_at_least = FigureField(
        label=_t("Of it intent of at least"), widget=_short(inputmode="decimal"), help_text=_t("points, or")
    )
    interactions_at_least = WholeField(
        label=_t("interactions that count, at least"), widget=_short(inputmode="numeric")
    )
    asked_within_days = WholeField(
        label=_t("A request counts for"), widget=_short(inputmode="numeric"), help_text=_t("days")
    )
    valid_days = WholeField(
        label=_t("A lead stays qualified for"), widget=_short(inputmode="numeric"), help_text=_t("days")
    )
    asked = forms.MultipleChoiceField(required=False)
    nurtured = forms.MultipleChoiceField(required=False)
    criteria = forms.CharField(required=False, widget=forms.HiddenInput)  # carries what is wrong with all of them

    def __init__(self, *args: Any, draft: Agreement, **kwargs: Any) -> None:
        stored = draft.definition
        self.of_definition: list[Criterion] = list(stored.criteria.all())
        kwargs["initial"] = {
            "name": stored.name,
            "score_model": stored.score_model_id,
            "threshold": _plain(stored.threshold),
            "intent_at_least": _plain(stored.intent_at_least),
            "interactions_at_least": stored.interactions_at_least,
            "asked_within_days": stored.asked_within_days,
            "valid_days": stored.valid_days,
            "asked": [one.code for one in self.of_definition if one.required_by_asked],
            "nurtured": [one.code for one in self.of_definition if one.required_by_nurtured],
        }
        super().__init__(*args, **kwargs)
        codes = [(one.code, one.label) for one in self.of_definition]
        for name in ("asked", "nurtured"):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = codes
        models = self.fields["score_model"]
        assert isinstance(models, forms.ModelChoiceField)
        models.queryset = ScoreModel.objects.exclude(status=ScoreModel.Status.DRAFT).order_by("-version")

    def rows(self) -> list[dict[str, Any]]:
        """Return the criteria with what each door asks for, for the page."""
        asked, nurtured = set(self["asked"].value() or ()), set(self["nurtured"].value() or ())
        return [
            {
                "criterion": one,
                "by_asked": one.code in asked,
                "by_nurtured": one.code in nurtured,
                "how": _("from what is known of the lead") if one.condition else _("a person says so"),
            }
            for one in self.of_definition
        ]

    def criteria_required(self) -> dict[str, tuple[bool, bool]]:
        """Return by code which door asks for a criterion."""
        asked, nurtured = set(self.cleaned_data["asked"]), set(self.cleaned_data["nurtured"])
        return {one.code: (one.code in asked, one.code in nurtured) for one in self.of_definition}

    def line(self) -> dict[str, Any]:
        """Return what was typed beside the criteria."""
        return {name: self.cleaned_data[name] for name in self.fields if name not in {"asked", "nurtured", "criteria"}}
