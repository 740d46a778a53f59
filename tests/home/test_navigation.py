"""The side navigation: which entry is marked as the current one."""

from __future__ import annotations

import pytest

from leadsla.accounts.models import User
from leadsla.home import navigation


def marked(user: User, path: str) -> list[str]:
    sections = navigation.sections_for(user, path=path, counts={})
    return [str(item.label) for section in sections for item in section.items if item.is_current]


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/contract/agreement/", ["Agreement"]),
        ("/contract/agreement/5f0c4f0e-0000-4000-8000-000000000000/", ["Agreement"]),
        ("/contract/calendars/", ["Calendars"]),
        ("/leads/imports/new/", ["Import"]),
        ("/leads/new/", ["New lead"]),
        ("/sales-feedback/", ["Sales feedback"]),
        ("/handoff/5f0c4f0e-0000-4000-8000-000000000000/", []),
        ("/people/profile/", []),
    ],
)
def test_one_entry_at_most_is_marked(mia: User, path: str, labels: list[str]) -> None:
    assert marked(mia, path) == labels


def test_agreement_and_calendars_stand_apart(sue: User) -> None:
    assert marked(sue, "/contract/calendars/") == ["Calendars"]
    assert marked(sue, "/contract/agreement/") == ["Agreement"]
