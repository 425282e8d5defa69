"""Values that cross a stage; they know nothing of how they are made or used."""
