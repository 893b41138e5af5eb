"""Reading and measuring the results of a study."""
