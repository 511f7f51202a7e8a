"""What is watched: one file a behaviour, each offering ``behaviour``. They know nothing of each other."""
