"""What marketing types in, turned into facts and arrivals; what cannot be is said by `intake` and `imports`."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from leads.columns import TARGETS
from leads.facts import FACTS
from leads.intake import Arrival, Refused
from leads.models import Campaign, Import, InteractionKind, JobFunction, Lead, Seniority, Source, Verdict

MOMENT = "%Y-%m-%dT%H:%M"
LONG = frozenset({"need", "note"})
CHOICES: Mapping[str, type[Seniority] | type[JobFunction]] = {"seniority": Seniority, "job_function": JobFunction}

# What marketers are told by hand; the rest comes from systems.
BY_HAND = (
    InteractionKind.CONTACT_REQUEST,
    InteractionKind.DEMO_REQUEST,
    InteractionKind.PRICING_REQUEST,
    InteractionKind.CALL_IN,
    InteractionKind.EVENT_ATTEND,
    InteractionKind.BOOTH_VISIT,
    InteractionKind.WEBINAR_ATTEND,
    InteractionKind.FORM_SUBMIT,
    InteractionKind.EMAIL_REPLY,
    InteractionKind.CHAT,
    InteractionKind.MARKETING_TOUCH,
    InteractionKind.OTHER,
)

WHO = ("name", "email", "phone", "title", "seniority", "job_function", "country", "language")
COMPANY = ("company_name", "industry", "employees", "region", "city")
SAID = ("need", "decision_maker", "authority", "budget", "timeframe", "note")


class TypedField(forms.CharField):
    """Text as it was typed: white space and length are `intake`'s matter, which names what does not fit."""

    def to_python(self, value: Any) -> str:
        """Return the text; what no database holds is left out by `intake`."""
        return "" if value is None else str(value)

    def run_validators(self, value: Any) -> None:
        """Leave null characters to `intake`, which drops them."""


def fact_field(code: str) -> forms.Field:
    """Return the field in which a fact is typed."""
    fact = FACTS[code]
    label = capfirst(fact.label)
    column = Lead._meta.get_field(code)
    help_text = _("As Germany or DE.") if code == "country" else getattr(column, "help_text", "")
    if code in CHOICES:
        return forms.ChoiceField(
            label=label,
            required=False,
            choices=[("", _("from the job title")), *CHOICES[code].choices],
        )
    widget: forms.Widget = forms.TextInput()
    if code in LONG:
        widget = forms.Textarea(attrs={"rows": 3})
    elif code == "email":
        widget = forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off"})
    elif code == "phone":
        widget = forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"})
    elif code == "name":
        widget = forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"})
    elif code == "employees":
        widget = forms.TextInput(attrs={"inputmode": "numeric"})
    return TypedField(label=label, required=False, help_text=help_text, widget=widget)


class RefusableForm(forms.Form):
    """A form that also shows what the domain refuses."""

    def refuse(self, refused: Refused) -> None:
        """Put each refusal beside its field; what belongs to none stands above."""
        for name, text in refused.errors.items():
            self.add_error(name if name in self.fields else None, text)


class FactsForm(RefusableForm):
    """Facts of a lead, by section."""

    sections: ClassVar[tuple[tuple[Any, tuple[str, ...]], ...]] = (
        (_("Who they are"), WHO),
        (_("Their company"), COMPANY),
        (_("What they said"), SAID),
    )

    def __init__(self, *args: Any, lead: Lead | None = None, **kwargs: Any) -> None:
        if lead is not None:
            known = {code: getattr(lead, code) for code in FACTS}
            kwargs["initial"] = {code: "" if value is None else value for code, value in known.items()}
        super().__init__(*args, **kwargs)
        for _title, codes in self.sections:
            for code in codes:
                if code in FACTS:
                    self.fields[code] = fact_field(code)

    def parts(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """Return the sections with their fields, for the page."""
        return [(title, [self[code] for code in codes]) for title, codes in self.sections]

    def facts(self) -> dict[str, str]:
        """Return what was typed, by fact."""
        return {code: self.cleaned_data.get(code, "") for code in FACTS if code in self.fields}


class NewLeadForm(FactsForm):
    """A lead that a marketer types in, and what happened that makes it one."""

    sections: ClassVar[tuple[tuple[Any, tuple[str, ...]], ...]] = (
        *FactsForm.sections,
        (_("Where they come from"), ("kind", "occurred_at", "source", "campaign", "detail")),
    )

    kind = forms.ChoiceField(
        label=_("What happened"),
        choices=[("", _("Choose")), *((one.value, one.label) for one in BY_HAND)],
        error_messages={"required": _("Say what happened: asking to be contacted makes a lead urgent.")},
    )
    occurred_at = forms.DateTimeField(
        label=_("When"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
        help_text=_("In your time zone; empty for now."),
    )
    source = forms.ModelChoiceField(
        Source.objects.filter(is_active=True),
        label=_("Source"),
        required=False,
        to_field_name="code",
        empty_label=_("No source"),
    )
    campaign = forms.ModelChoiceField(
        Campaign.objects.filter(is_active=True),
        label=_("Campaign"),
        required=False,
        to_field_name="code",
        empty_label=_("No campaign"),
    )
    detail = TypedField(label=_("What exactly"), required=False, help_text=_("The event, the page, what they said."))
    key = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = uuid4

    def arrival(self) -> Arrival:
        """Return what was typed as intake takes it. The form's key makes a double click one act."""
        told = self.cleaned_data
        key = told.get("key")
        return Arrival(
            facts=self.facts(),
            source=told["source"].code if told["source"] else None,
            campaign=told["campaign"].code if told["campaign"] else None,
            kind=InteractionKind(told["kind"]),
            occurred_at=told["occurred_at"],
            detail=told["detail"],
            key=f"form:{key}" if key else "",
            via="hand",
        )


class CriterionFactForm(RefusableForm):
    """The one fact that answers a criterion."""

    def __init__(self, data: Any, *, code: str, lead: Lead) -> None:
        known = getattr(lead, code)
        super().__init__(data, initial={code: "" if known is None else known})
        self.fields[code] = fact_field(code)


class CriterionAnswerForm(RefusableForm):
    """What a person says of a criterion."""

    verdict = forms.ChoiceField(label=_("How it stands"), choices=Verdict.choices)
    evidence = TypedField(
        label=_("What it rests on"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "maxlength": 2000}),
        help_text=_("A quote, a name, a document."),
    )


# --- imports ---------------------------------------------------------------------------------------------------------


def zone_choices() -> list[tuple[str, str]]:
    """Return the time zones of the IANA list, by name."""
    return [(name, name) for name in sorted(zoneinfo.available_timezones())]


class UploadForm(RefusableForm):
    """A file to import."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        error_messages={"required": _("Choose a CSV file.")},
    )
    system = forms.CharField(
        label=_("System it comes from"),
        required=False,
        max_length=60,
        help_text=_("As HubSpot or Salesforce. Ids are unique within it, so use the same name each time."),
    )
    timezone = forms.ChoiceField(label=_("Time zone of its dates"), choices=zone_choices)


DATE_ORDERS = (
    ("", _("as the file shows it")),
    ("ymd", _("year, month, day: 2026-03-31")),
    ("dmy", _("day, month, year: 31.03.2026 or 31/03/2026")),
    ("mdy", _("month, day, year: 03/31/2026")),
)


class MatchForm(RefusableForm):
    """What each column of a file holds, and how its dates are to be read; each kind of import adds what it asks."""

    targets: ClassVar[Sequence[tuple[str, StrOrPromise]]] = ()
    kept: ClassVar[tuple[str, ...]] = ("system", "timezone", "date_format")  # shown as the import has them

    system = UploadForm.base_fields["system"]
    timezone = forms.ChoiceField(label=_("Time zone of its dates"), choices=zone_choices)
    date_format = forms.ChoiceField(label=_("Order of dates"), choices=DATE_ORDERS, required=False)

    def __init__(self, *args: Any, run: Import, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {name: getattr(run, name) for name in self.kept})
        super().__init__(*args, **kwargs)
        self.run = run
        for place, column in enumerate(run.columns):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=column, choices=self.targets, required=False, initial=run.mapping.get(column, "")
            )

    def column_fields(self) -> list[forms.BoundField]:
        """Return the fields of the columns, in the order of the file."""
        return [self[f"column_{place}"] for place in range(len(self.run.columns))]

    def own_fields(self) -> list[forms.BoundField]:
        """Return the fields that only this kind of import asks."""
        return [self[name] for name in type(self).base_fields if name not in MatchForm.base_fields]

    def mapping(self) -> dict[str, str]:
        """Return what was chosen, by column."""
        told = self.cleaned_data
        return {column: told.get(f"column_{place}", "") for place, column in enumerate(self.run.columns)}

    def answers(self) -> dict[str, Any]:
        """Return what was said of the file as a whole, under the names of the fields."""
        return {name: self.cleaned_data[name] for name in type(self).base_fields}


class ColumnsForm(MatchForm):
    """What each column of a file of leads holds, and how the file goes in."""

    targets = (("", _("leave out")), *((target.code, target.label) for target in TARGETS.values()))
    kept = (*MatchForm.kept, "is_history", "overwrites")

    is_history = forms.BooleanField(
        label=_("This is history"),
        required=False,
        help_text=_("Leads of the past: no handover, no clocks, outside compliance."),
    )
    overwrites = forms.BooleanField(
        label=_("Replace what is known"),
        required=False,
        help_text=_("Otherwise the file only fills what is empty."),
    )
