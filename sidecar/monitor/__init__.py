"""Reads the copies and says what they show. Nothing that serves traffic waits for it."""
