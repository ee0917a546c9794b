"""The double's own tests: it must behave as the vendor's docs and code say, fault by fault."""
