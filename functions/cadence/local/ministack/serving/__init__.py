"""How MiniStack is served: by which server, and how requests and answers cross the wire."""
