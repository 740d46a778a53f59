"""Migrations of the top layer."""
