"""akbot: encrypted, proven backups and safe updates for Authentik stacks on Docker Compose."""
