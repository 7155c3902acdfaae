"""The organization, project, tokens and pool with which a new local stack begins."""
