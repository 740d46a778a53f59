"""What the journeys share: a portal whose processes run beside the test."""

from tests.flows.running import portal

__all__ = ["portal"]
