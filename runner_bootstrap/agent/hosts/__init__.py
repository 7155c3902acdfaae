"""A host: joins a pool, leases work, and starts one runner for each assignment."""
