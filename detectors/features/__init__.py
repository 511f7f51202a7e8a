"""What one exchange shows: each file reads one thing off it, ``extract`` reads them all."""
