"""How much of other systems' files is imported."""
