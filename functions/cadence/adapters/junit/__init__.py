"""Reports in the format JUnit XML."""
