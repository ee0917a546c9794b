"""The pure half of the gateway: requests out, outcomes in, held against the vendor samples."""
