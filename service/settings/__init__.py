"""Settings: the environment read once, per role, all problems told at once.

What lives here
    ``reader`` reads and documents single settings, ``groups`` are the frozen values that are passed
    on, ``roles`` says which role needs which group and which secret it must not hold, ``keyfile``
    re-reads a mounted key file when it changes, ``secret`` keeps values out of every repr.

What must not
    Nothing else in the project reads ``os.environ``. Settings have no side effects: no connection is
    opened and nothing is configured here.
"""
