"""Mélodium engines that this runner starts: workers for other engines, and programs of treatments."""
