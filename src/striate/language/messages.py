"""Korean for notes and errors."""

MESSAGES: dict[str, str] = {}
