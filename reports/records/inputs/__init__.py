"""What a run was given from outside: earlier runs of a history, and access logs."""
