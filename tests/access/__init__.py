"""Who may do what in Kafka: the table, what is printed from it, and what a broker makes of that."""
