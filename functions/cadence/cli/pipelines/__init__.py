"""Commands about pipelines and documents."""
