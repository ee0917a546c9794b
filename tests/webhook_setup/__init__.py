"""Setting up the account's webhook: decisions, the key file, the double of the vendor, coexistence."""
