"""Two consumers with real connections at the same moment, and any order of arrival (I1, I2)."""
