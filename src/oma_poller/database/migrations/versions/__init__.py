"""One file a version; see the package above for how to add one."""
