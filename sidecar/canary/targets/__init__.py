"""One file an API that canaries are sent to: each offers ``TARGET``."""
