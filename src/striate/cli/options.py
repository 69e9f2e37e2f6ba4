"""Kinds of option values that several commands share."""

import click


class Settings(click.ParamType):
    """KEY=VALUE, as a pair of texts."""

    name = "key=value"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Cut at the first equals sign."""
        if isinstance(value, tuple):
            return value
        key, equals, text = value.partition("=")
        if not equals or not key:
            self.fail(f"'{value}' is not KEY=VALUE, such as dropout=0.5.", param, ctx)
        return key.strip(), text.strip()
