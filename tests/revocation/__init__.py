"""``RevokeIdentity``: one transaction after which nothing of the identity goes on."""
