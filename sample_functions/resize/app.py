"""Writes a thumbnail of every photograph that arrives in a bucket (trigger: S3; needs Pillow)."""

import io
import os
from urllib.parse import unquote_plus

import boto3
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_WIDTH = 200
THUMBNAILS = os.environ["THUMBNAILS"]

s3 = boto3.client("s3")


def handler(event, context):
    thumbnails = [resize(record["s3"]) for record in event["Records"]]
    return {"thumbnails": [thumbnail for thumbnail in thumbnails if thumbnail]}


def resize(record):
    bucket = record["bucket"]["name"]
    key = unquote_plus(record["object"]["key"])
    if bucket == THUMBNAILS:  # else each thumbnail would make another one, for ever
        print(f"skipped s3://{bucket}/{key}: it is a thumbnail already")
        return None
    photo = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        thumbnail = shrink(photo)
    except (OSError, Image.DecompressionBombError) as error:
        # Raising would make Lambda try twice more, and a text never becomes an image.
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else error
        print(f"refused s3://{bucket}/{key}: {reason}")
        return None
    s3.put_object(Bucket=THUMBNAILS, Key=key, Body=thumbnail, ContentType="image/jpeg")
    print(f"resized s3://{bucket}/{key}: {len(photo):,} -> {len(thumbnail):,} bytes")
    return f"s3://{THUMBNAILS}/{key}"


def shrink(photo):
    """Return a JPEG at most MAX_WIDTH wide, upright, without EXIF or other metadata."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(photo))).convert("RGB")
    image.thumbnail((MAX_WIDTH, image.height))
    image.info.clear()
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()
