"""Handoffs, compliance and acceptance over the API, to read."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from rest_framework import mixins, serializers
from rest_framework.viewsets import GenericViewSet

from leads.models import Temperature
from leadsla.accounts.access import Act
from leadsla.accounts.models import ApiToken
from sla.models import AcceptanceRate, Clock, Compliance, Decision, Handoff
from sla.querysets import HandoffQuerySet


class ClockOutput(serializers.ModelSerializer[Clock]):
    """A deadline as a program reads it."""

    class Meta:
        model = Clock
        fields = ("measure", "side", "round", "started_at", "due_at", "breached_at", "stopped_at", "outcome")


class HandoffOutput(serializers.ModelSerializer[Handoff]):
    """A handoff as a program reads it."""

    id = serializers.UUIDField(source="public_id")
    lead = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    source = serializers.SlugRelatedField(slug_field="code", read_only=True)
    campaign = serializers.SlugRelatedField(slug_field="code", read_only=True)
    to_team = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    owner = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    clocks = ClockOutput(many=True, read_only=True)

    class Meta:
        model = Handoff
        fields = (
            "id",
            "lead",
            "leg",
            "round",
            "origin",
            "source",
            "campaign",
            "to_team",
            "owner",
            "door",
            "temperature",
            "score",
            "grade",
            "handed_over_at",
            "decision",
            "reason",
            "decided_at",
            "is_returned",
            "first_follow_up_at",
            "attempts",
            "reached_at",
            "meeting_at",
            "opportunity_at",
            "given_back_at",
            "won_at",
            "lost_at",
            "revenue",
            "currency",
            "closed_at",
            "closed_because",
            "flag",
            "clocks",
        )


class PackOutput(HandoffOutput):
    """A handoff with the pack of its current round."""

    pack = serializers.SerializerMethodField()
    person = serializers.SerializerMethodField()

    class Meta(HandoffOutput.Meta):
        fields = (*HandoffOutput.Meta.fields, "pack", "person")

    def _round(self, handoff: Handoff) -> dict[str, Any]:
        current = handoff.rounds.filter(number=handoff.round).values("pack", "person").first()
        return dict(current) if current else {}

    def get_pack(self, handoff: Handoff) -> dict[str, Any]:
        """Return what was known when the round was opened."""
        pack: dict[str, Any] = self._round(handoff).get("pack", {})
        return pack

    def get_person(self, handoff: Handoff) -> dict[str, Any]:
        """Return name, contact and free text; empty once erased."""
        person: dict[str, Any] = self._round(handoff).get("person", {})
        return person


class HandoffFilter(django_filters.FilterSet):
    """What a list of handoffs can be narrowed by."""

    decision = django_filters.ChoiceFilter(choices=Decision.choices)
    waiting = django_filters.BooleanFilter(method="only_waiting")
    temperature = django_filters.MultipleChoiceFilter(choices=Temperature.choices)
    source = django_filters.CharFilter(field_name="source__code")
    campaign = django_filters.CharFilter(field_name="campaign__code")
    handed_over_after = django_filters.IsoDateTimeFilter(field_name="handed_over_at", lookup_expr="gte")
    handed_over_before = django_filters.IsoDateTimeFilter(field_name="handed_over_at", lookup_expr="lt")

    class Meta:
        model = Handoff
        fields: ClassVar[list[str]] = []

    def only_waiting(self, queryset: HandoffQuerySet, name: str, value: bool) -> HandoffQuerySet:
        """Keep those that wait for a decision."""
        return queryset.waiting() if value else queryset


class HandoffViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Handoff]):
    """List handoffs, and read one with its pack."""

    required_acts: ClassVar[dict[str, Act]] = {"GET": Act.SEE_HANDOFFS, "HEAD": Act.SEE_HANDOFFS}
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": ApiToken.Scope.HANDOFFS_READ,
        "HEAD": ApiToken.Scope.HANDOFFS_READ,
    }
    filterset_class = HandoffFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    ordering_fields: ClassVar[list[str]] = ["handed_over_at", "decided_at"]
    ordering: ClassVar[list[str]] = ["-handed_over_at", "-pk"]
    queryset = Handoff.objects.none()
    serializer_class = HandoffOutput

    def get_queryset(self) -> HandoffQuerySet:
        """Return handoffs that the person sees."""
        related = ("lead", "source", "campaign", "to_team", "owner")
        return Handoff.objects.visible_to(self.request.user).select_related(*related).prefetch_related("clocks")

    def get_serializer_class(self) -> type[HandoffOutput]:
        """Give the pack with a single handoff only."""
        return PackOutput if self.action == "retrieve" else HandoffOutput


class ComplianceOutput(serializers.ModelSerializer[Compliance]):
    """One promise in one period."""

    agreement = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    commitment = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    measure = serializers.CharField(source="commitment.measure", read_only=True)
    side = serializers.CharField(source="commitment.side", read_only=True)

    class Meta:
        model = Compliance
        fields = (
            "agreement",
            "commitment",
            "measure",
            "side",
            "period_start",
            "period_end",
            "at_least",
            "at_most",
            "kept",
            "cases",
            "open_cases",
            "waived",
            "left_out",
            "value",
            "low",
            "high",
            "expected",
            "expected_low",
            "expected_high",
            "status",
            "is_settled",
            "computed_at",
        )


class PeriodFilter(django_filters.FilterSet):
    """Which periods."""

    period_start = django_filters.DateFilter()
    since = django_filters.DateFilter(field_name="period_start", lookup_expr="gte")


class ComplianceViewSet(mixins.ListModelMixin, GenericViewSet[Compliance]):
    """Read how both sides keep their promises."""

    required_acts: ClassVar[dict[str, Act]] = {"GET": Act.SEE_SCOREBOARD, "HEAD": Act.SEE_SCOREBOARD}
    required_scopes: ClassVar[dict[str, str]] = {"GET": ApiToken.Scope.COMPLIANCE_READ}
    queryset = Compliance.objects.select_related("agreement", "commitment").order_by("-period_start", "commitment")
    serializer_class = ComplianceOutput
    filterset_class = PeriodFilter


class AcceptanceOutput(serializers.ModelSerializer[AcceptanceRate]):
    """Acceptance of one source, campaign, team, person or band in one period."""

    class Meta:
        model = AcceptanceRate
        fields = (
            "period_start",
            "period_end",
            "dimension",
            "key",
            "label",
            "handed_over",
            "decided",
            "accepted",
            "left_out",
            "won",
            "rate",
            "low",
            "high",
            "computed_at",
        )


class AcceptanceFilter(PeriodFilter):
    """Which periods and what it is broken down by."""

    dimension = django_filters.ChoiceFilter(choices=AcceptanceRate.Dimension.choices)


class AcceptanceViewSet(mixins.ListModelMixin, GenericViewSet[AcceptanceRate]):
    """Read acceptance rates; figures of a person only for that person and their manager."""

    required_acts: ClassVar[dict[str, Act]] = {"GET": Act.SEE_SCOREBOARD, "HEAD": Act.SEE_SCOREBOARD}
    required_scopes: ClassVar[dict[str, str]] = {"GET": ApiToken.Scope.COMPLIANCE_READ}
    queryset = AcceptanceRate.objects.none()
    serializer_class = AcceptanceOutput
    filterset_class = AcceptanceFilter

    def get_queryset(self) -> Any:
        """Return the rates that the person sees."""
        return AcceptanceRate.objects.visible_to(self.request.user).order_by(
            "-period_start", "dimension", "label", "pk"
        )
