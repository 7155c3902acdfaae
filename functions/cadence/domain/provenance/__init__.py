"""Where values came from and where they went: the graph of it, and what can be proven line by line."""
