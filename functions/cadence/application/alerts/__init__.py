"""The use cases for alerts: storing rules, judging events, delivering messages, and rehearsing rules on past events."""
