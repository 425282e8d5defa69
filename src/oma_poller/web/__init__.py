"""The OMA API: what a person or a program asks the running poller."""
