"""Overload: slow clients, half heads, idle crowds, huge bodies. Webhooks and pings are still answered.

The ingress runs in a process of its own here (``server``), its attackers in another (``attacker``): both
need thousands of files, and the memory that is measured must be the ingress's alone. All on loopback,
bounded in number and in time.
"""
