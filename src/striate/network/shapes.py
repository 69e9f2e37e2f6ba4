"""Arithmetic of sliding windows: output sizes, padding and extents."""

from dataclasses import dataclass

Shape = tuple[int, ...]
IntPair = tuple[int, int]
Margins = tuple[IntPair, IntPair]
Padding = str | Margins


def same_margins(size: int, extent: int, stride: int) -> IntPair:
    """Compute the padding of one axis for padding="same".

    Args:
        size: Size of the map.
        extent: Size of the window, with dilation.
        stride: Stride of the window.

    Returns:
        The padding before and after; the smaller half is before.
    """
    windows = -(-size // stride)
    total = max((windows - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True)
class Window:
    """A window that slides over feature maps (H, W). Pairs are (y, x).

    Attributes:
        kernel: Height and width.
        strides: Step from one position to the next.
        dilation: Step from one kernel element to the next.
        padding: "valid", "same" or ((top, bottom), (left, right)).
    """

    kernel: IntPair
    strides: IntPair = (1, 1)
    dilation: IntPair = (1, 1)
    padding: Padding = "valid"

    @property
    def extent(self) -> IntPair:
        """Height and width, including the gaps of a dilated kernel."""
        (ky, kx), (dy, dx) = self.kernel, self.dilation
        return (ky - 1) * dy + 1, (kx - 1) * dx + 1

    def margins(self, size: IntPair) -> Margins:
        """Compute the padding of a map.

        Args:
            size: Height and width of the map.

        Returns:
            ((top, bottom), (left, right)).
        """
        if self.padding == "valid":
            return (0, 0), (0, 0)
        if isinstance(self.padding, str):
            (ey, ex), (sy, sx) = self.extent, self.strides
            return same_margins(size[0], ey, sy), same_margins(size[1], ex, sx)
        return self.padding

    def padded(self, size: IntPair) -> IntPair:
        """Return height and width of a map of `size` with padding."""
        (top, bottom), (left, right) = self.margins(size)
        return size[0] + top + bottom, size[1] + left + right

    def fits(self, size: IntPair) -> bool:
        """Return whether the window fits into the padded map."""
        height, width = self.padded(size)
        return self.extent[0] <= height and self.extent[1] <= width

    def output_size(self, size: IntPair) -> IntPair:
        """Return the output size (H + 2P − F) / S + 1, rounded down."""
        (height, width), (ey, ex), (sy, sx) = self.padded(size), self.extent, self.strides
        return (height - ey) // sy + 1, (width - ex) // sx + 1
