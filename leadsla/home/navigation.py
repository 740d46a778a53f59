"""Where a person can go: the side navigation by role, and the page that sign-in lands on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leadsla.accounts.access import Act, may
from leadsla.accounts.models import Role, User


@dataclass(frozen=True)
class Place:
    """One entry: its words, its address by URL name, its icon and the act that opens it."""

    label: str | Promise
    name: str
    icon: str
    act: Act


@dataclass(frozen=True)
class Item:
    """One entry as the template shows it."""

    label: str | Promise
    url: str
    icon: str
    is_current: bool
    count: int | None = None


@dataclass(frozen=True)
class Section:
    """Entries under one heading."""

    title: str | Promise
    items: list[Item]


SECTIONS: tuple[tuple[str | Promise, tuple[Place, ...]], ...] = (
    (
        "",
        (
            Place(_("My queue"), "home:queue", "checklist", Act.WORK_QUEUE),
            Place(_("My leads"), "home:my_leads", "address-book", Act.EDIT_LEADS),
            Place(_("Missing"), "home:missing", "circle-dashed", Act.EDIT_LEADS),
            Place(_("Sales feedback"), "home:sales_feedback", "message", Act.SEE_SALES_FEEDBACK),
            Place(_("New lead"), "leads:new", "user-plus", Act.EDIT_LEADS),
            Place(_("Import"), "leads:imports", "file-import", Act.IMPORT_LEADS),
            Place(_("Campaigns"), "leads:campaigns", "speakerphone", Act.EDIT_CAMPAIGNS),
            Place(_("What's running"), "leads:running", "speakerphone", Act.FILE_ASKS),
            Place(_("Capture pages"), "leads:capture_list", "forms", Act.SET_UP_CAPTURE),
            Place(_("Inbound webhooks"), "leads:hooks", "webhook", Act.SET_UP_CAPTURE),
            Place(_("Import outcomes"), "feedback:imports", "file-import", Act.IMPORT_OUTCOMES),
        ),
    ),
    (
        _("Shared"),
        (
            Place(_("Scoreboard"), "home:scoreboard", "layout-dashboard", Act.SEE_SCOREBOARD),
            Place(_("Handoffs"), "home:handoffs", "arrows-right-left", Act.SEE_HANDOFFS),
            Place(_("Acceptance"), "home:acceptance", "chart-bar", Act.SEE_SCOREBOARD),
        ),
    ),
    (
        _("Contract"),
        (
            Place(_("Agreement"), "sla:agreement", "signature", Act.SEE_AGREEMENTS),
            Place(_("Score model"), "leads:score_model", "math-function", Act.SEE_LEADS),
            Place(_("Planner"), "sla:planning", "adjustments", Act.PLAN),
            Place(_("Calendars"), "sla:calendars", "calendar", Act.SEE_AGREEMENTS),
            Place(_("Team and routing"), "sla:teams", "users", Act.MANAGE_TEAMS),
            Place(_("Release plans"), "sla:releases", "checklist", Act.RELEASE_LISTS),
        ),
    ),
    (
        _("Administration"),
        (
            Place(_("People and data"), "admin:index", "settings", Act.MANAGE_PEOPLE),
            Place(_("Configuration"), "admin:index", "settings", Act.CONFIGURE),
            Place(_("Messages"), "outbox:messages", "mail", Act.SEE_MESSAGES),
            Place(_("Mail texts"), "outbox:mail_texts", "mail-cog", Act.WORD_MAILS),
            Place(_("Webhooks"), "outbox:webhooks", "webhook", Act.MANAGE_WEBHOOKS),
        ),
    ),
)

HOMES: tuple[tuple[Role, str], ...] = (
    (Role.MARKETING_MANAGER, "home:scoreboard"),
    (Role.SALES_MANAGER, "home:scoreboard"),
    (Role.SALES_REP, "home:queue"),
    (Role.MARKETER, "home:my_leads"),
    (Role.OPERATIONS, "home:scoreboard"),
    (Role.ADMINISTRATOR, "admin:index"),
)


def home_of(user: User) -> str:
    """Return the address of the page with a person's own work; the profile for somebody without a role."""
    for role, name in HOMES:
        if user.has_role(role):
            return reverse(name)
    return reverse("accounts:profile")


def _places() -> Iterator[Place]:
    return (place for _title, places in SECTIONS for place in places)


def _url(place: Place) -> str:
    return reverse(place.name)


def sections_for(user: User, *, path: str, counts: dict[str, int]) -> list[Section]:
    """Return the navigation of a person.

    Args:
        user: whose.
        path: of the request; the entry whose address is the longest beginning of it is the current one.
        counts: open work by URL name, shown at the right of an entry.

    Returns:
        Sections that are not empty; the same address appears once.
    """
    current = max((url for url in map(_url, _places()) if path.startswith(url)), key=len, default="")
    found: list[Section] = []
    seen: set[str] = set()
    for title, places in SECTIONS:
        items: list[Item] = []
        for place in places:
            url = _url(place)
            if url in seen or not may(user, place.act):
                continue
            seen.add(url)
            items.append(Item(place.label, url, place.icon, url == current, counts.get(place.name)))
        if items:
            found.append(Section(title, items))
    return found
