"""Scenarios: situations in files, run on emulated phones and the real server, judged by what people could observe."""
