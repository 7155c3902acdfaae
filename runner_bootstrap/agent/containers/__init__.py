"""Containers of a treatment, run by podman, docker or the pod's cluster, and the commands executed in them."""
