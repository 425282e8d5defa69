"""The progress server: what copiers report, kept through restarts and told to whoever polls."""
