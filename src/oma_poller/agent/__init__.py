"""The VMA side: a progress server and a copier that reports to it."""
