"""The command line: options in, one library call, tables and progress out."""
