"""What was watched, found and done, as a chain of records that cannot be altered unseen."""
