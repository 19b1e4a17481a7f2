"""Turns titles into slugs."""
