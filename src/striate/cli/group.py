"""Import a command only when it is called, so that no command waits for the imports of another."""

from importlib import import_module

import click

from striate.cli.help import Group
from striate.errors import nearest

COMMANDS = {
    "train": "Train a network on a data set or a folder of photographs.",
    "evaluate": "Evaluate a trained network on test images.",
    "compare": "Compare trained networks on the same images.",
    "predict": "Predict the classes of images.",
    "serve": "Serve predictions over HTTP, with a web page.",
    "explore": "Look inside a network in the browser.",
    "export": "Export a trained network as an ONNX file or a web page.",
    "inspect": "Show the layers, shapes and computational cost of any ONNX file.",
    "find-lr": "Suggest a learning rate for a network on its data.",
    "summary": "Print the layers of a network as a table.",
    "reproduce": "Train known systems and compare measured with reported results.",
    "augment": "Write a preview of augmented images.",
    "gradcheck": "Check backpropagation against numerical gradients.",
    "data": "List data sets, download one, or check a folder of images.",
}


class Commands(Group):
    """A group of the commands in COMMANDS, each from the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"striate.cli.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does, but suggest the nearest name for an unknown one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"There is no command '{args[0]}'.{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
