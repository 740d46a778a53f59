"""Forms of asking a lead: which questions go out, and the lead's answers. What is wrong is said by `asking`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from leads.asking import MOST_DAYS, NO, USUAL_DAYS, YES, Question
from leads.forms import RefusableForm, TypedField, fact_field
from leads.intake import Refused
from leads.models import Verdict
from leads.qualification import CriterionState

TICK, TEXT, WORDS = "ask-", "text-", "-words"


class ChooseForm(RefusableForm):
    """What a marketer asks a lead for, and how it is put."""

    days = forms.IntegerField(
        label=_("For how many days the link holds"),
        initial=USUAL_DAYS,
        min_value=1,
        max_value=MOST_DAYS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    link = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": _("Open this page again.")})

    def __init__(
        self, *args: Any, questions: Sequence[Question], states: Sequence[CriterionState], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.questions = questions
        self.fields["link"].initial = uuid4
        unknown = {state.code for state in states if state.is_missing and state.verdict == Verdict.UNKNOWN}
        for question in questions:
            self.fields[TICK + question.key] = forms.BooleanField(
                label=question.label,
                required=False,
                initial=question.criterion in unknown,
                widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
            )
            self.fields[TEXT + question.key] = TypedField(
                label=_("Question"), required=False, initial=question.text, widget=forms.TextInput
            )

    def rows(self) -> list[tuple[Question, forms.BoundField, forms.BoundField]]:
        """Return each question with its tick and its text."""
        return [(each, self[TICK + each.key], self[TEXT + each.key]) for each in self.questions]

    def texts(self) -> dict[str, str]:
        """Return the chosen questions as they are put."""
        told = self.cleaned_data
        return {each.key: told.get(TEXT + each.key, "") for each in self.questions if told.get(TICK + each.key)}

    def refuse(self, refused: Refused) -> None:
        """Put each refusal beside the question that it is about."""
        for name, text in refused.errors.items():
            self.add_error(next((field for field in (TEXT + name, name) if field in self.fields), None), text)


class AnswerForm(RefusableForm):
    """The questions of a link, for the lead."""

    def __init__(self, *args: Any, questions: Sequence[Question], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in questions:
            if question.fact:
                self.fields[question.key] = self._fact(question)
                continue
            self.fields[question.key] = forms.ChoiceField(
                label=question.text,
                required=False,
                choices=[("", "–"), (YES, _("Yes")), (NO, _("No"))],
                error_messages={"invalid_choice": _("Say yes or no.")},
            )
            self.fields[question.key + WORDS] = TypedField(
                label=_("What would you like to add?"), required=False, widget=forms.Textarea(attrs={"rows": 2})
            )

    def _fact(self, question: Question) -> forms.Field:
        field = fact_field(question.fact)
        field.label, field.help_text = question.text, ""
        if question.fact in {"decision_maker", "authority"}:
            field.widget = forms.Textarea(attrs={"rows": 2})
        field.widget.attrs.pop("autocomplete", None)
        if kept := _KEPT_BY_BROWSERS.get(question.fact):
            field.widget.attrs["autocomplete"] = kept
        return field

    def answers(self) -> dict[str, str]:
        """Return what was typed, by question."""
        return {name: str(text) for name, text in self.cleaned_data.items()}


_KEPT_BY_BROWSERS = {
    "name": "name",
    "email": "email",
    "phone": "tel",
    "title": "organization-title",
    "company_name": "organization",
    "country": "country-name",
    "city": "address-level2",
}
