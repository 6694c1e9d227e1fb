"""Says all keys of a bucket that begin with a prefix, those that pipex does not list, too; and what is being uploaded in parts."""

import os
import sys

import boto3

client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT"], region_name="us-east-1")
bucket, prefix = sys.argv[1:]
for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
    for found in page.get("Contents", []):
        print("object", found["Key"])
if "uploads" in os.environ["PIPEX_TESTS_CONDITIONS"].split():
    for found in client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        if found["Key"].startswith(prefix):
            print("upload", found["Key"])
