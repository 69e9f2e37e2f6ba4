"""Korean for what the commands print."""

TERMINAL: dict[str, str] = {}
