"""One file a subcommand of ``kilter``: each holds one click command named ``command``."""
