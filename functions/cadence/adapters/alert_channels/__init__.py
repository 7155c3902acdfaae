"""Senders of alerts' messages: one module for each kind of channel, each with an implementation of `Sender`."""
