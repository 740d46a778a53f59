"""Forms of the calendars' pages: a week, holidays and exceptions as typed, turned into `calendar_editing.Hours`."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla import calendar_editing, calendars, periods
from sla.calendar_editing import Hours, Windows, windows_in, windows_in_words
from sla.working_time import WEEKDAYS

SPARE_ROWS = 3
MOST_ROWS = 200
LONGEST_EXCEPTION = 366  # days

Exception_ = tuple[date, date, Windows]  # from, until and including, windows


class PreviewForm(forms.Form):
    """A moment for which a calendar shows what would be due."""

    at = forms.DateTimeField(
        label=gettext_lazy("Handed over"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )

    def clean_at(self) -> datetime:
        """Refuse a moment for which no calendar can be built."""
        at: datetime = self.cleaned_data["at"]
        if not periods.is_in_reach(at):
            words = {"first": periods.FIRST_YEAR, "last": periods.LAST_YEAR}
            raise forms.ValidationError(_("Give a moment in the years %(first)d to %(last)d.") % words)
        return at


class WindowsField(forms.CharField):
    """The windows of a day as text; cleaned to pairs of `HH:MM`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=400, **kwargs)

    def clean(self, value: Any) -> Windows:
        """Read the windows; refuse in words what is none."""
        try:
            return windows_in(super().clean(value))
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from wrong


class CalendarForm(forms.Form):
    """A calendar as it is edited: name, zone, week, holidays, days that differ, and why it changes."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    timezone = forms.CharField(
        label=gettext_lazy("Time zone"),
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        help_text=gettext_lazy("Of the clock on the wall, as Europe/Berlin."),
    )
    country = forms.CharField(label=gettext_lazy("Public holidays of"), required=False, max_length=2)
    region = forms.CharField(label=gettext_lazy("Region"), required=False, max_length=10)
    note = forms.CharField(
        label=gettext_lazy("Why it changes"),
        required=False,
        max_length=250,
        help_text=gettext_lazy("Stands beside the version for whoever asks later."),
    )
    at = forms.DateTimeField(
        label=gettext_lazy("Handed over"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=PreviewForm.base_fields["at"].input_formats,  # type: ignore[attr-defined]  # it is a date field
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, hours: Hours | None = None, **kwargs: Any) -> None:
        exceptions = list(_exceptions(hours)) if hours else []
        if hours is not None:
            kwargs["initial"] = {
                "timezone": hours.timezone,
                "country": hours.country,
                "region": hours.region,
                **{day: windows_in_words(windows) for day, windows in hours.week.items()},
                **_initial_rows(exceptions),
                **kwargs.get("initial", {}),
            }
        super().__init__(data, **kwargs)
        for day, label in calendars.day_names().items():
            self.fields[day] = WindowsField(label=label, widget=forms.TextInput(attrs={"autocomplete": "off"}))
        self.rows = _rows_of(data) if data is not None else len(exceptions) + SPARE_ROWS
        for number in range(self.rows):
            self._add_row(number)

    def _add_row(self, number: int) -> None:
        words = {"number": number + 1}
        day = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        self.fields[f"from-{number}"] = forms.DateField(
            label=_("Exception %(number)d, day") % words, required=False, widget=day
        )
        self.fields[f"until-{number}"] = forms.DateField(
            label=_("Exception %(number)d, until") % words, required=False, widget=day
        )
        self.fields[f"hours-{number}"] = WindowsField(label=_("Exception %(number)d, hours") % words)

    # --- for the page

    def week(self) -> list[tuple[str, forms.BoundField]]:
        """Return the fields of the week, Monday first."""
        return [(day, self[day]) for day in WEEKDAYS]

    def exceptions(self) -> list[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        """Return the fields of the days that differ: from, until, hours."""
        return [(self[f"from-{n}"], self[f"until-{n}"], self[f"hours-{n}"]) for n in range(self.rows)]

    def countries(self) -> Mapping[str, str]:
        """Return the countries to choose from."""
        return calendar_editing.countries()

    def regions(self) -> Mapping[str, str]:
        """Return the regions of the country that is chosen."""
        return calendar_editing.regions(str(self["country"].value() or ""))

    def zones(self) -> list[str]:
        """Return the names of all time zones."""
        return sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/"))

    # --- what was typed

    def clean_at(self) -> datetime | None:
        """Refuse a moment for which no calendar can be built."""
        at: datetime | None = self.cleaned_data["at"]
        if at is not None and not periods.is_in_reach(at):
            words = {"first": periods.FIRST_YEAR, "last": periods.LAST_YEAR}
            raise forms.ValidationError(_("Give a moment in the years %(first)d to %(last)d.") % words)
        return at

    def clean(self) -> dict[str, Any]:
        """Check each exception: a day, an end that is not before it, no day twice."""
        cleaned = super().clean() or self.cleaned_data
        taken: dict[date, int] = {}
        for number in range(self.rows):
            self._check_row(number, taken)
        return cleaned

    def _check_row(self, number: int, taken: dict[date, int]) -> None:
        first, last = (self.cleaned_data.get(f"{part}-{number}") for part in ("from", "until"))
        names = {f"{part}-{number}" for part in ("from", "until", "hours")}
        if names & self.errors.keys():
            return
        if first is None:
            if last or self.cleaned_data.get(f"hours-{number}"):
                self.add_error(f"from-{number}", _("Give the day that differs, or empty the row."))
            return
        last = last or first
        if not periods.FIRST_YEAR <= first.year <= last.year <= periods.LAST_YEAR:
            if last < first:
                self.add_error(f"until-{number}", _("This is before the first day."))
                return
            words = {"first": periods.FIRST_YEAR, "last": periods.LAST_YEAR}
            self.add_error(f"from-{number}", _("Give a day in the years %(first)d to %(last)d.") % words)
        elif last < first:
            self.add_error(f"until-{number}", _("This is before the first day."))
        elif (last - first).days >= LONGEST_EXCEPTION:
            self.add_error(f"until-{number}", _("An exception lasts a year at most; change the week instead."))
        else:
            for day in _days(first, last):
                if day in taken:
                    twice = {"day": day.isoformat(), "row": taken[day] + 1}
                    self.add_error(f"from-{number}", _("%(day)s stands in exception %(row)d already.") % twice)
                    return
                taken[day] = number

    def hours(self) -> Hours:
        """Return what was typed as hours; only after the form was found valid."""
        told = self.cleaned_data
        closed: list[date] = []
        special: dict[date, Windows] = {}
        for number in range(self.rows):
            first = told.get(f"from-{number}")
            for day in _days(first, told.get(f"until-{number}") or first) if first else []:
                if told[f"hours-{number}"]:
                    special[day] = told[f"hours-{number}"]
                else:
                    closed.append(day)
        return Hours(
            timezone=told["timezone"].strip(),
            week={day: told[day] for day in WEEKDAYS if told[day]},
            country=told["country"],
            region=told["region"],
            closed=tuple(sorted(closed)),
            special=dict(sorted(special.items())),
        )

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Put each refusal beside its field; what belongs to none stands above."""
        for name, text in errors.items():
            self.add_error(name if name in self.fields else None, text)


def _rows_of(data: Mapping[str, Any]) -> int:
    typed = str(data.get("rows", ""))
    return min(int(typed), MOST_ROWS) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _exceptions(hours: Hours) -> Iterable[Exception_]:
    """Return the days that differ, neighbouring days of the same windows as one."""
    days = sorted({**{day: [] for day in hours.closed}, **hours.special}.items())
    for _key, group in groupby(enumerate(days), key=lambda each: (each[1][0].toordinal() - each[0], str(each[1][1]))):
        found = [day for _number, day in group]
        yield found[0][0], found[-1][0], found[0][1]


def _initial_rows(exceptions: list[Exception_]) -> dict[str, Any]:
    initial: dict[str, Any] = {}
    for number, (first, last, windows) in enumerate(exceptions):
        initial[f"from-{number}"] = first
        initial[f"until-{number}"] = last if last != first else None
        initial[f"hours-{number}"] = windows_in_words(windows)
    return initial
