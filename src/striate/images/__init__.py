"""Image files to uint8 arrays and back; the only package that decodes images."""

from striate.images.decode import (
    ImageHeader,
    UnreadableFile,
    check_image,
    decode_image,
    decoder_version,
    encode_png,
    read_file,
    read_image,
)
from striate.images.find import SUFFIXES, UNSUPPORTED_SUFFIXES, find_images, images_below, is_image_name, relative_path
from striate.images.policy import ImagePolicy

__all__ = [
    "SUFFIXES", "UNSUPPORTED_SUFFIXES", "ImageHeader", "ImagePolicy", "UnreadableFile", "check_image", "decode_image",
    "decoder_version", "encode_png", "find_images", "images_below", "is_image_name", "read_file", "read_image",
    "relative_path",
]  # fmt: skip
