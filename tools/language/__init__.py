"""The check of the language: words that texts of this project do not use, and what to write instead."""
