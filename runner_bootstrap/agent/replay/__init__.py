"""Replays a treatment from a folder, without a control plane."""
