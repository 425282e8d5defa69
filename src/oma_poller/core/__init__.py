"""The rules, pure: values in, values out; no clock, no log, no wire."""
