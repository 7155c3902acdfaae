"""Containers of a treatment, run by podman or docker or by the cluster that this pod is in, and commands executed in them."""
