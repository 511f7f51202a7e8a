"""What is known: the frozen types that one stage hands to the next."""
