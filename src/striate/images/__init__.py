"""Image files to uint8 arrays and back; the only package that decodes images."""

from striate.images.decode import (
    ImageHeader,
    UnreadableFile,
    check_image,
    decode_image,
    encode_png,
    read_file,
    read_image,
    thumbnail_url,
)
from striate.images.find import (
    find_images,
    is_image_file,
    search_folder,
)
from striate.images.policy import ImagePolicy, ThumbnailPolicy, decode_together

__all__ = [
    "ImageHeader", "ImagePolicy", "ThumbnailPolicy", "UnreadableFile", "check_image", "decode_image",
    "decode_together", "encode_png", "find_images", "is_image_file", "read_file", "read_image", "search_folder",
    "thumbnail_url",
]  # fmt: skip
