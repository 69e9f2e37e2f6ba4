"""The option --set KEY=VALUE, which several commands take."""

import click


def key_values(texts: tuple[str, ...]) -> dict[str, str]:
    """Each KEY=VALUE, cut at the first equals sign. Raises BadParameter for a text without one."""
    for text in texts:
        if not text.partition("=")[0] or "=" not in text:
            raise click.BadParameter(f"'{text}' is not KEY=VALUE, such as dropout=0.5.", param_hint="--set")
    return {key.strip(): value.strip() for key, _, value in (text.partition("=") for text in texts)}
