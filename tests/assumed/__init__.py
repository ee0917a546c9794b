"""What is assumed of the vendor: the table, the shapes, and the differences that are found."""
