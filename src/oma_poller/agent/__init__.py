"""The VMA's side: a progress server, and a copier that reports to it over HTTP. Neither imports the other."""
