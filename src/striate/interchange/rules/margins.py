"""Where ONNX's windows lie on one axis of maps: padding by word or number, and rounding up."""

from dataclasses import dataclass, replace

from striate.network.shapes import same_margins

WORDS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


@dataclass(frozen=True)
class Axis:
    """One axis, `size` pixels long. start, end: padding; overhang: how far the last window reaches beyond it."""

    size: int
    kernel: int
    stride: int
    dilation: int
    start: int
    end: int
    overhang: int = 0

    @property
    def border(self) -> tuple[int, int]:
        """What is added at start and end."""
        return self.start, self.end + self.overhang

    @property
    def reach(self) -> int:
        """Pixels from a window's first to its last."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def count(self) -> int:
        """How many windows there are."""
        return (self.size + sum(self.border) - self.reach) // self.stride + 1

    def padded_by(self, word: str) -> "Axis":
        """With the padding that one of WORDS asks for."""
        if word == "NOTSET":
            return self
        start, end = (0, 0) if word == "VALID" else same_margins(self.size, self.reach, self.stride)
        return replace(self, start=end, end=start) if word == "SAME_LOWER" else replace(self, start=start, end=end)

    def rounded_up(self) -> "Axis":
        """One window more where pixels would be left over, unless it would begin in the padding at the end."""
        full = self.start + self.size + self.end
        overhang = -(full - self.reach) % self.stride
        begins = full + overhang - self.reach
        return replace(self, overhang=overhang) if begins < self.start + self.size else self

    def with_zeros(self) -> "Axis":
        """The same windows once the padding is part of the maps."""
        return replace(self, size=self.start + self.size + self.end, start=0, end=0)


Axes = tuple[Axis, Axis]
