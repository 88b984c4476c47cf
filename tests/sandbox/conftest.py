from tests.sandbox.fixture import engine, sandbox

__all__ = ["engine", "sandbox"]
