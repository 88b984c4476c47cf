"""Use cases over ports: gather, decide, act."""
