"""The OMA Progress Poller: honest progress of VM migrations, from a VMA into the OMA's database."""

__version__ = "0.1.0"
