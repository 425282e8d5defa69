"""Configuration: the environment, then a TOML file, then defaults, as frozen settings."""

from oma_poller.config.settings import Given, Settings, load_settings, wants_debug

__all__ = ["Given", "Settings", "load_settings", "wants_debug"]
