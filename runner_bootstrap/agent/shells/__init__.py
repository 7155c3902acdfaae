"""Interactive shells of users beside a treatment's command, carried by the control plane's tunnels."""
