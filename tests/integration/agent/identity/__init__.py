"""The identity token of a treatment, as the agent gives it."""
