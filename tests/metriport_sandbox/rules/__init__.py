"""The vendor's rules about input, as pure functions: JSON in, values or a refusal out.

No I/O, no state, no clock (today is an argument). Messages imitate those of the vendor's
validation library, because people will paste them into tickets; match on status and title.
"""
