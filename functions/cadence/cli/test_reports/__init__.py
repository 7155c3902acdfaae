"""Commands about results of tests."""
