"""Forms of the team pages: parse what was typed; `team_editing`, `rule_editing` and `leaving` decide."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leadsla.accounts.models import Side, Team, User
from sla import leaving, team_editing, turns
from sla.models import Calendar, Capacity, PersonalCalendar

MOMENT = "%Y-%m-%dT%H:%M"
MOMENTS = [MOMENT, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


class RefusableForm(forms.Form):
    """A form that also shows what the domain refuses."""

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Put each refusal beside its field; what belongs to none stands above."""
        for name, text in errors.items():
            self.add_error(name if name in self.fields else None, text)


def _moment(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT)
    return forms.DateTimeField(label=label, widget=widget, input_formats=MOMENTS)


class CapacityForm(RefusableForm):
    """How much a rep gets."""

    weight = forms.DecimalField(
        label=_("Weight"),
        max_digits=4,
        decimal_places=2,
        min_value=Decimal(0),
        help_text=_("1 is usual, 0.5 gets half as many, 0 gets none."),
        widget=forms.NumberInput(attrs={"step": "0.05"}),
    )
    open_at_most = forms.IntegerField(
        label=_("Open handoffs at most"),
        min_value=0,
        max_value=team_editing.MOST_OPEN,
        help_text=_("With so many open, the next in turn gets the lead."),
    )

    def __init__(self, data: Any = None, *, person: User) -> None:
        now_has = Capacity.objects.filter(user=person).first() or turns.NO_CAPACITY
        super().__init__(data, initial={"weight": now_has.weight, "open_at_most": now_has.open_at_most})


class OwnHoursForm(RefusableForm):
    """Whose hours count for a person."""

    calendar = forms.ModelChoiceField(
        Calendar.objects.all(),
        label=_("Own hours"),
        required=False,
        to_field_name="public_id",
        empty_label=_("none: as the agreement says"),
        help_text=_("They count where a promise of the agreement says that the owner's hours count."),
    )

    def __init__(self, data: Any = None, *, person: User) -> None:
        mine = PersonalCalendar.objects.filter(user=person).select_related("calendar").first()
        super().__init__(data, initial={"calendar": mine.calendar.public_id if mine else None})


class AwayForm(RefusableForm):
    """A time in which a person gets no new leads."""

    starts_at = _moment(_("Away from"))
    ends_at = _moment(_("Back from"))
    stand_in = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Stand-in"),
        required=False,
        to_field_name="public_id",
        empty_label=_("nobody: the next in turn"),
    )

    def __init__(self, data: Any = None, *, person: User) -> None:
        super().__init__(data)
        field = self.fields["stand_in"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = team_editing.stand_ins_for(person)


class RuleForm(RefusableForm):
    """A routing rule without its condition, which has rows of its own."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Reasons name it, as “DACH enterprise”."))
    leg = forms.TypedChoiceField(
        label=_("Leg"), coerce=int, choices=((1, _("marketing to sales")), (2, _("on to the account executive")))
    )
    team = forms.ModelChoiceField(
        Team.objects.filter(is_active=True, side=Side.SALES), label=_("Team"), to_field_name="public_id"
    )


class SuccessorForm(RefusableForm):
    """Who takes over from a person that is deactivated."""

    to = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Who takes over?"),
        required=False,
        to_field_name="public_id",
        empty_label=_("choose a person"),
    )

    def __init__(self, data: Any = None, *, person: User) -> None:
        super().__init__(data)
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = leaving.successors_of(person)
