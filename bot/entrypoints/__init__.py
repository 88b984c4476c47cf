"""Outside to command, event to outside."""
