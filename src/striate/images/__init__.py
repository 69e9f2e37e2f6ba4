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
    thumbnail_url,
)
from striate.images.find import (
    describe_argument,
    describe_unsupported,
    describe_unsupported_file,
    find_images,
    is_image_file,
    no_images_message,
    readable_images,
    relative_path,
    require_folder,
    search_folder,
    walk_images,
)
from striate.images.guards import mute_warnings
from striate.images.policy import ImagePolicy, ThumbnailPolicy, decode_together

__all__ = [
    "ImageHeader", "ImagePolicy", "ThumbnailPolicy", "UnreadableFile", "check_image", "decode_image",
    "decode_together", "decoder_version", "describe_argument", "describe_unsupported", "describe_unsupported_file",
    "encode_png", "find_images", "is_image_file", "mute_warnings", "no_images_message", "read_file", "read_image",
    "readable_images", "relative_path", "require_folder", "search_folder", "thumbnail_url", "walk_images",
]  # fmt: skip
