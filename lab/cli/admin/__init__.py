"""`activation admin`: one file for each group of commands."""
