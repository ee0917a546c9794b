"""The vendor client on connections that break: cut at any byte, refused, or answered with anything.

What must hold: a call that the client takes for *not sent* was never received as a whole, no call is
received twice, and on sound connections no outcome is ambiguous (I3).
"""
