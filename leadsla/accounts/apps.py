"""Register the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People: users, teams, roles, visibility, away times, tokens."""

    name = "leadsla.accounts"
    verbose_name = "People"
