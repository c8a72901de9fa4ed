"""The HTTP API: what crosses the wire, and nothing else."""
