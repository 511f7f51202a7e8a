"""One statistical method a file, its paper on top."""
