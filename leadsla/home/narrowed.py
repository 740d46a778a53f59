"""Which part of the cases an address asks for: of a team, a person, a source, a campaign. Serves the scoreboard."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t

from leads import lists
from leads.models import Campaign, Source
from leadsla.accounts import visibility
from leadsla.accounts.models import Team, User
from leadsla.accounts.requests import SignedInRequest
from leadsla.home.listing import NONE
from sla.narrowing import NOTHING, Narrowing

NAMES = ("team", "person", "source", "campaign")


class Wanted(forms.Form):
    """The part, from the address."""

    team = forms.ModelChoiceField(Team.objects.all(), label=_t("Any team"), required=False, to_field_name="public_id")
    person = forms.ModelChoiceField(
        User.objects.none(), label=_t("Any person"), required=False, to_field_name="public_id"
    )
    source = forms.ChoiceField(label=_t("Any source"), required=False)
    campaign = forms.ChoiceField(label=_t("Any campaign"), required=False)

    def __init__(self, request: SignedInRequest) -> None:
        super().__init__(request.GET)
        given = request.GET
        nothing = [(NONE, _("None"))]
        for name, rows in (
            ("source", lists.source_choices(chosen=given.get("source", ""))),
            ("campaign", lists.campaign_choices(chosen=given.get("campaign", ""))),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = rows + nothing
        people = self.fields["person"]
        assert isinstance(people, forms.ModelChoiceField)
        people.queryset = User.objects.filter(pk__in=visibility.figures_of(request.user)).order_by("name")


class Part:
    """The part that an address asks for, as filter, as words and as what links keep."""

    def __init__(self, request: SignedInRequest) -> None:
        self._wanted = Wanted(request)
        self.wrong = "" if self._wanted.is_valid() else self._first_error()
        self._sees_people = len(visibility.figures_of(request.user)) > 1

    @property
    def narrowing(self) -> Narrowing:
        """Return the filter; of what is wrong in the address there is none."""
        given = self._wanted.cleaned_data
        team, person = given.get("team"), given.get("person")
        return Narrowing(
            team=team.pk if team else None,
            person=person.pk if person else None,
            source=self._id("source", Source),
            campaign=self._id("campaign", Campaign),
        )

    def parameters(self) -> dict[str, str]:
        """Return what of the address names the part."""
        given = self._wanted.cleaned_data
        return {name: str(self._wanted.data[name]) for name in NAMES if given.get(name)}

    def words(self) -> list[str]:
        """Return the names of the team, the person, the source and the campaign that are chosen."""
        chosen = self.parameters()
        return [dict(self._choices(name)).get(value, value) for name, value in chosen.items()]

    def filters(self) -> list[dict[str, Any]]:
        """Return what components/_filters.html shows."""
        return [
            {
                "name": name,
                "label": self._wanted.fields[name].label,
                "value": self._wanted.data.get(name, ""),
                "choices": self._choices(name),
            }
            for name in NAMES
            if name != "person" or self._sees_people
        ]

    def _choices(self, name: str) -> list[tuple[str, str]]:
        widget = self._wanted.fields[name].widget
        assert isinstance(widget, forms.Select)
        return [(str(value), str(label)) for value, label in widget.choices if str(value)]

    def _id(self, name: str, model: type[Source] | type[Campaign]) -> int | None:
        code = self._wanted.cleaned_data.get(name)
        if not code:
            return None
        return NOTHING if code == NONE else model._default_manager.values_list("pk", flat=True).get(code=code)

    def _first_error(self) -> str:
        name, errors = next(iter(self._wanted.errors.items()))
        return f"{name}: {errors[0]}"
