"""What runs at the vendor is asked about: when, by whom, and what the answers mean."""
