"""Leads over the API: create through intake, list, read, add interactions."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from leads import identity, intake
from leads.facts import FACTS
from leads.models import Identity, Interaction, InteractionKind, Lead, Stage, Temperature
from leads.querysets import LeadQuerySet
from leadsla import clock
from leadsla.accounts.access import Act
from leadsla.accounts.models import ApiToken
from leadsla.accounts.requests import acting


class InteractionInput(serializers.Serializer[Any]):
    """What a lead did."""

    kind = serializers.ChoiceField(choices=InteractionKind.choices)
    occurred_at = serializers.DateTimeField(required=False, help_text=_("Default: now."))
    detail = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    key = serializers.CharField(
        max_length=190,
        required=False,
        default="",
        help_text=_("The same key and time again is the same interaction; send it with each retry."),
    )
    source = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    campaign = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    data = serializers.DictField(required=False, default=dict, help_text=_("Whatever else is known, kept as it comes."))


class LeadInput(serializers.Serializer[Any]):
    """A lead as it arrives: facts, ids of other systems, and the interaction that brought it."""

    name = serializers.CharField(max_length=200, required=False)
    email = serializers.CharField(max_length=254, required=False)
    phone = serializers.CharField(max_length=32, required=False)
    title = serializers.CharField(max_length=160, required=False)
    seniority = serializers.CharField(max_length=10, required=False)
    job_function = serializers.CharField(max_length=12, required=False)
    company_name = serializers.CharField(max_length=200, required=False)
    industry = serializers.CharField(max_length=120, required=False)
    employees = serializers.IntegerField(min_value=0, max_value=10_000_000, required=False)
    country = serializers.CharField(max_length=60, required=False)
    region = serializers.CharField(max_length=80, required=False)
    city = serializers.CharField(max_length=120, required=False)
    language = serializers.CharField(max_length=8, required=False)
    timezone = serializers.CharField(max_length=64, required=False)
    need = serializers.CharField(max_length=4000, required=False)
    decision_maker = serializers.CharField(max_length=250, required=False)
    authority = serializers.CharField(max_length=250, required=False)
    budget = serializers.CharField(max_length=160, required=False)
    timeframe = serializers.CharField(max_length=160, required=False)
    note = serializers.CharField(max_length=4000, required=False)
    external = serializers.DictField(
        child=serializers.CharField(max_length=190), required=False, help_text=_("System → id of this lead there.")
    )
    interaction = InteractionInput(required=False, help_text=_("Default: a form was filled in, now."))


class LeadOutput(serializers.ModelSerializer[Lead]):
    """A lead as a program reads it."""

    id = serializers.UUIDField(source="public_id")
    company = serializers.CharField(source="company_name")
    source = serializers.SlugRelatedField(slug_field="code", source="first_source", read_only=True)
    campaign = serializers.SlugRelatedField(slug_field="code", source="first_campaign", read_only=True)

    class Meta:
        model = Lead
        fields = (
            "id",
            *(fact for fact in FACTS if fact != "company_name"),
            "company",
            "source",
            "campaign",
            "stage",
            "stage_since",
            "door",
            "temperature",
            "qualified_at",
            "recycled_until",
            "score",
            "grade",
            "scored_at",
            "captured_at",
            "created_at",
        )


class ReceivedOutput(serializers.Serializer[Any]):
    """What became of an arrival."""

    lead = LeadOutput()
    is_new = serializers.BooleanField()
    possible_duplicates = serializers.ListField(child=serializers.UUIDField())


class InteractionOutput(serializers.ModelSerializer[Interaction]):
    """An interaction as a program reads it."""

    source = serializers.SlugRelatedField(slug_field="code", read_only=True)
    campaign = serializers.SlugRelatedField(slug_field="code", read_only=True)

    class Meta:
        model = Interaction
        fields = ("kind", "occurred_at", "recorded_at", "detail", "source", "campaign", "data", "via")


class LeadFilter(django_filters.FilterSet):
    """What a list of leads can be narrowed by."""

    stage = django_filters.MultipleChoiceFilter(choices=Stage.choices)
    temperature = django_filters.MultipleChoiceFilter(choices=Temperature.choices)
    source = django_filters.CharFilter(field_name="first_source__code")
    campaign = django_filters.CharFilter(field_name="first_campaign__code")
    email = django_filters.CharFilter(method="known_by_email")
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")

    class Meta:
        model = Lead
        fields: ClassVar[list[str]] = []

    def known_by_email(self, queryset: LeadQuerySet, name: str, value: str) -> LeadQuerySet:
        """Keep the lead that is recognised by an address; the index on identities serves it."""
        known = Identity.objects.filter(kind=Identity.Kind.EMAIL, system="", value=identity.normal_email(value))
        return queryset.filter(pk__in=known.values("lead"))


def _arrival(facts: dict[str, Any], external: dict[str, str], given: dict[str, Any]) -> intake.Arrival:
    return intake.Arrival(
        facts=facts,
        external=external,
        source=given.get("source") or None,
        campaign=given.get("campaign") or None,
        kind=given.get("kind", InteractionKind.FORM_SUBMIT),
        occurred_at=given.get("occurred_at"),
        detail=given.get("detail", ""),
        key=given.get("key", ""),
        data=given.get("data", {}),
        via="api",
    )


class LeadViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Lead]):
    """Create leads through intake, list and read them, add interactions."""

    required_acts: ClassVar[dict[str, Act]] = {"GET": Act.SEE_LEADS, "HEAD": Act.SEE_LEADS, "POST": Act.EDIT_LEADS}
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": ApiToken.Scope.LEADS_READ,
        "HEAD": ApiToken.Scope.LEADS_READ,
        "POST": ApiToken.Scope.LEADS_WRITE,
    }
    serializer_class = LeadOutput
    filterset_class = LeadFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    ordering_fields: ClassVar[list[str]] = ["created_at", "score", "stage_since"]
    ordering: ClassVar[list[str]] = ["-created_at", "-pk"]
    queryset = Lead.objects.none()

    def reachable(self) -> LeadQuerySet:
        """Return the leads that the person sees."""
        return Lead.objects.visible_to(self.request.user)

    def get_queryset(self) -> LeadQuerySet:
        """Return living leads that the person sees."""
        return self.reachable().living().select_related("first_source", "first_campaign")

    @extend_schema(request=LeadInput, responses={200: ReceivedOutput, 201: ReceivedOutput})
    def create(self, request: Request) -> Response:
        """Receive a lead: 201 when it is new, 200 when it was known and got the interaction and new facts."""
        given = LeadInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        facts = {key: values[key] for key in FACTS if key in values}
        arrival = _arrival(facts, values.get("external", {}), values.get("interaction", {}))
        person = acting(request)
        try:
            receipt = intake.receive(arrival, by=person, team=person.team, now=clock.now())
        except intake.Refused as refused:
            raise ValidationError(refused.errors) from refused
        answer = {
            "lead": receipt.lead,
            "is_new": receipt.is_new,
            "possible_duplicates": [duplicate.lead.public_id for duplicate in receipt.duplicates],
        }
        code = status.HTTP_201_CREATED if receipt.is_new else status.HTTP_200_OK
        return Response(ReceivedOutput(answer).data, status=code)

    @extend_schema(responses=InteractionOutput(many=True), filters=False)
    @action(detail=True, methods=["get"], serializer_class=InteractionOutput, filterset_class=None)
    def interactions(self, request: Request, id: str) -> Response:  # noqa: A002  # the word of the address
        """List what a lead did, newest first."""
        rows = self.get_object().interactions.select_related("source", "campaign")
        assert self.paginator is not None
        page = self.paginator.paginate_queryset(rows, request, view=self)
        return self.get_paginated_response(InteractionOutput(page or [], many=True).data)

    @extend_schema(request=InteractionInput, responses={201: LeadOutput})
    @interactions.mapping.post
    def add_interaction(self, request: Request, id: str) -> Response:  # noqa: A002  # the word of the address
        """Record what a lead did; its score is right when this answers."""
        lead = self.get_object()
        given = InteractionInput(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            receipt = intake.receive_for(
                lead, _arrival({}, {}, given.validated_data), by=acting(request), now=clock.now()
            )
        except intake.Refused as refused:
            raise ValidationError(refused.errors) from refused
        return Response(LeadOutput(receipt.lead).data, status=status.HTTP_201_CREATED)
