"""``EraseSubject``: nothing of the subject is left that could be read, and late messages change nothing."""
