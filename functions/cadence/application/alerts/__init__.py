"""Use cases about alerts: rules are kept, events judged, messages delivered, and history gone through as a rehearsal."""
