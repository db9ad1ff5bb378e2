"""The command line. Modules here keep their imports inside of functions, so that `--help` stays quick."""
