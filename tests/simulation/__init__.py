"""Replicas as processes against the double as judge, faster than a clock; the judge is judged too."""
