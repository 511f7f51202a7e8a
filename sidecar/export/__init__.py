"""What the world is told. Nothing here sends a prompt, an answer or a user."""
