"""Runs in which everything goes wrong at once, and the checker that says whether a promise was broken.

``evidence`` collects what can be seen from outside when a run is over; ``checker`` judges it and shares
no code with the product; ``planted`` proves that the checker sees, by breaking the product on purpose.
"""
