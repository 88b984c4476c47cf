"""A stand-in for Authentik, for tests that need a stack where the real images cannot be pulled.

Section numbers in the docstrings are those of the project's sheet of facts about Authentik: §0
release line, §1 health, §2 versions, §3 compose files, §4 upgrade rules, §5 migrations, §7 pains,
§10 Redis, §11 what the real backend showed.
"""
