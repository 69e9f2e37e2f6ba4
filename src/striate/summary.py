"""A network as the table that papers print, in plain text."""

from striate.network import Network, Row

HEAD = ("layer", "kind", "output", "kernel", "stride", "padding", "activation", "parameters", "multiply-adds", "sees")


def summary(network: Network) -> str:
    """The table, one line for each use of a layer, and the totals. "sees": height × width of the receptive field."""
    lines = [HEAD, *(_cells(row) for row in network.table())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text.insert(1, "─" * max(map(len, text)))
    trainable, count = network.trainable_parameter_count, network.parameter_count
    text.append(
        f"{count:,} parameters ({trainable:,} trainable), {network.multiply_adds:,} multiply-adds for one image"
    )
    return "\n".join(text)


def _cells(row: Row) -> tuple[str, ...]:
    output = str(row.units) if row.size is None else f"{row.size[0]}×{row.size[1]}×{row.maps}"
    return (
        row.name, row.kind, output, _pair(row.kernel), _pair(row.strides), _padding(row.padding), row.activation or "",
        f"{row.parameters:,}", f"{row.multiply_adds:,}", _pair(row.receptive_field),
    )  # fmt: skip


def _pair(pair: tuple[int, int] | None) -> str:
    return "" if pair is None else f"{pair[0]}×{pair[1]}"


def _padding(padding: object) -> str:
    if isinstance(padding, tuple):
        (top, bottom), (left, right) = padding
        return f"{top},{bottom} {left},{right}"
    return str(padding or "")
