"""Where alerts' messages go: one module for each kind of channel, each an implementation of `Sender`."""
