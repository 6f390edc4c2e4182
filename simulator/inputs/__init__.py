"""Text and plain data to facts: one format a file, bounded, never guessing."""
