"""The shell around the rules: it waits, fetches, writes, and asks the core what to do."""
