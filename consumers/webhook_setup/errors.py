"""Why setting the webhook up did not work, in words for a person."""


class SetupError(Exception):
    """The webhook could not be set up. The text is our own and holds no key."""
