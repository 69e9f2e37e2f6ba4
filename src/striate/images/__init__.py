"""Files to uint8 arrays and back; the only room that decodes an image."""

from striate.images.decode import (
    Header,
    UnreadableFile,
    check_image,
    decode_image,
    decoder,
    encode_png,
    read_file,
    read_image,
)
from striate.images.find import FOREIGN, find_images, images_below, is_image_name
from striate.images.policy import ImagePolicy

__all__ = [
    "FOREIGN", "Header", "ImagePolicy", "UnreadableFile", "check_image", "decode_image", "decoder", "encode_png",
    "find_images", "images_below", "is_image_name", "read_file", "read_image",
]  # fmt: skip
