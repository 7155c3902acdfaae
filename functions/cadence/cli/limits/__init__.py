"""Commands about environments, approvals and quotas."""
