"""Commands about alerts: rules, channels and silences."""
