"""Failed webhooks are sent again: the rule's table of cases, and replicas against the double."""
