"""The copier: moves a disk with the usual tools, and reports the data that is really moved."""
