"""Commands about Mélodium programs and engines."""
