"""Reasons for a pause are kept by operations; what pages of their own check is only read in the administration."""

from __future__ import annotations

import pytest
from django.urls import reverse

from sla.models import PauseReason

pytestmark = pytest.mark.django_db


def test_operations_retire_a_reason_and_never_delete_it(olga, signed_in) -> None:
    desk = signed_in(olga)
    reason = PauseReason.objects.get(code="lead_away")
    told = {
        "code": reason.code,
        "label": "The lead is on holiday",
        "longest_working_days": "15",
        "side": "",
        "position": "2",
    }
    assert desk.post(reverse("admin:sla_pausereason_change", args=(reason.pk,)), told).status_code == 302
    reason.refresh_from_db()
    assert (reason.label, reason.longest_working_days, reason.is_active) == ("The lead is on holiday", 15, False)
    assert desk.post(reverse("admin:sla_pausereason_delete", args=(reason.pk,)), {"post": "yes"}).status_code == 403


def test_reason_without_a_longest_length_is_refused(olga, signed_in) -> None:
    told = {"code": "strike", "label": "Strike", "longest_working_days": "", "side": "", "position": "9"}
    answer = signed_in(olga).post(reverse("admin:sla_pausereason_add"), told)
    assert "This field is required." in answer.content.decode()
    assert not PauseReason.objects.filter(code="strike").exists()


def test_managers_do_not_configure_reasons(max_, signed_in) -> None:
    assert signed_in(max_).get(reverse("admin:sla_pausereason_changelist"), follow=True).status_code == 403


@pytest.mark.parametrize("model", ["sla_capacity", "sla_routingrule", "accounts_awaytime"])
def test_what_has_pages_of_its_own_is_only_read(olga, signed_in, model: str) -> None:
    desk = signed_in(olga)
    assert desk.get(reverse(f"admin:{model}_changelist")).status_code == 200
    assert desk.get(reverse(f"admin:{model}_add")).status_code == 403
