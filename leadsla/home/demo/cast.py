"""Who works at the demo company: two teams on each side, with their managers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password

from leadsla.accounts.models import Role, Side, Team, User
from sla.models import Capacity, RoutingRule

PASSWORD = "handshake-2026"  # noqa: S105  # printed at the start; the demo is open to whoever runs it
DOMAIN = "leadsla.example"

# name, roles, team, manager. The first name is the address.
PEOPLE: tuple[tuple[str, tuple[Role, ...], str, str], ...] = (
    ("Max Lindner", (Role.MARKETING_MANAGER,), "Inbound", ""),
    ("Mia Albrecht", (Role.MARKETER,), "Inbound", "Max Lindner"),
    ("Jonas Weiss", (Role.MARKETER,), "Inbound", "Max Lindner"),
    ("Lena Hartmann", (Role.MARKETER,), "Events", "Max Lindner"),
    ("Sue Vogt", (Role.SALES_MANAGER,), "North", ""),
    ("Sam Becker", (Role.SALES_REP,), "North", "Sue Vogt"),
    ("Aylin Demir", (Role.SALES_REP,), "North", "Sue Vogt"),
    ("Petra Novák", (Role.SALES_REP,), "North", "Sue Vogt"),
    ("Ravi Menon", (Role.SALES_MANAGER,), "South", ""),
    ("Nia Okafor", (Role.SALES_REP,), "South", "Ravi Menon"),
    ("Marek Zieliński", (Role.SALES_REP,), "South", "Ravi Menon"),
    ("Olga Brandt", (Role.OPERATIONS,), "", ""),
    ("Ada Keller", (Role.ADMINISTRATOR,), "", ""),
)
TEAMS = {"Inbound": Side.MARKETING, "Events": Side.MARKETING, "North": Side.SALES, "South": Side.SALES}
SOUTH_COUNTRIES = ["AT", "CH", "IT", "FR", "ES"]

# Shown at the start of `make run`.
SIGN_INS = (
    ("Mia", "marketer", "mia"),
    ("Sam", "sales rep", "sam"),
    ("Max", "marketing manager", "max"),
    ("Sue", "sales manager", "sue"),
    ("Olga", "operations", "olga"),
    ("Ada", "administrator", "ada"),
)


def sign_ins() -> list[str]:
    """Return the lines that tell who can sign in, and how."""
    people = [f"    {address}@{DOMAIN:<18} {name}, {role}" for name, role, address in SIGN_INS]
    return [f"  Everybody signs in with the password {PASSWORD}:", *people]


def is_here() -> bool:
    """Say whether the demo company is loaded."""
    return User.objects.filter(email__endswith=f"@{DOMAIN}").exists()


@dataclass
class Cast:
    """The people and teams by name."""

    people: dict[str, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)

    def team_of(self, name: str) -> list[User]:
        """Return the reps or marketers of a team, without managers."""
        workers = {Role.MARKETER.value, Role.SALES_REP.value}
        return [
            user for user in self.people.values() if user.team == self.teams[name] and workers.intersection(user.roles)
        ]


def hire(*, now: datetime) -> Cast:
    """Make teams, people, capacities and the rules that route leads between the two sales teams."""
    cast = Cast()
    for name, side in TEAMS.items():
        cast.teams[name] = Team.objects.create(name=name, side=side, timezone="Europe/Berlin")
    password = make_password(PASSWORD)
    for name, roles, team, manager in PEOPLE:
        cast.people[name] = User.objects.create(
            email=f"{name.split(maxsplit=1)[0].lower()}@{DOMAIN}",
            name=name,
            password=password,
            roles=list(roles),
            team=cast.teams.get(team),
            manager=cast.people.get(manager),
            timezone="Europe/Berlin",
        )
    reps = [user for user in cast.people.values() if user.has_role(Role.SALES_REP)]
    Capacity.objects.bulk_create(Capacity(user=user, open_at_most=400) for user in reps)
    RoutingRule.objects.create(
        position=1,
        name="Alps and the south",
        condition={"field": "country", "op": "in", "value": SOUTH_COUNTRIES},
        team=cast.teams["South"],
    )
    RoutingRule.objects.create(position=2, name="Everybody else", condition=None, team=cast.teams["North"])
    return cast
