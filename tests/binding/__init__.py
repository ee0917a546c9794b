"""The schema alone refuses to mix two people: plain SQL with the service's rights, none of its code."""
