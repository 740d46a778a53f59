"""The API answers whatever is sent to it with a documented answer: no server error, no undocumented body."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from leadsla import clock
from leadsla.accounts import tokens
from leadsla.accounts.models import ApiToken, Role, Side, Team, User
from leadsla.wsgi import application

CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance)


@pytest.fixture
def _one_connection(db: None) -> Iterator[None]:
    """Keep the test's connection over requests, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def key(_one_connection: None) -> str:
    """Return the key of somebody who may do everything that the API offers."""
    team = Team.objects.create(name="North", side=Side.SALES)
    roles = [Role.MARKETER, Role.SALES_MANAGER]
    both = User.objects.create_user("both@leadsla.example", name="Both Sides", roles=roles, team=team)
    return tokens.issue(both, name="fuzz", scopes=list(ApiToken.Scope), now=clock.now())[1]


document = SchemaGenerator().get_schema(request=None, public=True)
fuzzed = schemathesis.openapi.from_dict(json.loads(json.dumps(document, default=str)))
fuzzed.app = application


@fuzzed.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_any_input_is_answered_as_documented(case: schemathesis.Case, key: str) -> None:
    response = case.call(headers={"Authorization": f"Bearer {key}"})
    case.validate_response(response, checks=CHECKS)
