"""What marketing knows: sources and campaigns, leads, interactions, scores, definitions, and the doors for leads."""

from leads.models.asking import Asking
from leads.models.campaigns import Ask, CampaignBrief, CampaignCostChange, UtmRule
from leads.models.capture import CapturePage, CaptureSubmission, CaptureVersion
from leads.models.definitions import Criterion, CriterionAnswer, Definition, Verdict
from leads.models.hooks import Hook, HookDelivery
from leads.models.imports import Import, ImportMapping, ImportRow
from leads.models.interactions import ASKED_KINDS, Interaction, InteractionKind
from leads.models.leads import (
    STAGE_NEEDS_SINCE,
    Company,
    Door,
    DuplicateProposal,
    EmailKind,
    Identity,
    JobFunction,
    Lead,
    Merge,
    Origin,
    Seniority,
    Stage,
    Temperature,
)
from leads.models.scores import ScoreModel, ScoreRescan, ScoreRule
from leads.models.sources import Campaign, CampaignCost, Channel, Source

__all__ = [
    "ASKED_KINDS",
    "STAGE_NEEDS_SINCE",
    "Ask",
    "Asking",
    "Campaign",
    "CampaignBrief",
    "CampaignCost",
    "CampaignCostChange",
    "CapturePage",
    "CaptureSubmission",
    "CaptureVersion",
    "Channel",
    "Company",
    "Criterion",
    "CriterionAnswer",
    "Definition",
    "Door",
    "DuplicateProposal",
    "EmailKind",
    "Hook",
    "HookDelivery",
    "Identity",
    "Import",
    "ImportMapping",
    "ImportRow",
    "Interaction",
    "InteractionKind",
    "JobFunction",
    "Lead",
    "Merge",
    "Origin",
    "ScoreModel",
    "ScoreRescan",
    "ScoreRule",
    "Seniority",
    "Source",
    "Stage",
    "Temperature",
    "UtmRule",
    "Verdict",
]
