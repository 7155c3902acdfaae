"""Synthesizes the templates, deploys them into MiniStack and seeds the installation."""
