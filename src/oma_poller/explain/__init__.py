"""Why a job shows what it shows: asked afresh, told rule by rule, saved, and run again."""
