"""What a person or a script sees at the admin address, beside health and metrics."""
