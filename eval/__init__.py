"""How anyone knows whether the drafts may be trusted: measurements against labels, and speed."""
