"""One runner, from the claim of its assignment to the report of its outcome."""
