"""Register the app."""

from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    """Sales's side: decisions, follow-ups, outcomes, insight."""

    name = "feedback"
    verbose_name = "Feedback"
