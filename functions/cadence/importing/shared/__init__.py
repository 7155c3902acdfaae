"""What all conversions need: sources, names, drafts and reports."""
