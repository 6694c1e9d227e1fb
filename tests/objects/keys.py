"""Says all keys of a bucket that begin with a prefix: those that pipex does not list, too."""

import os
import sys

import boto3

client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT"], region_name="us-east-1")
for page in client.get_paginator("list_objects_v2").paginate(Bucket=sys.argv[1], Prefix=sys.argv[2]):
    for found in page.get("Contents", []):
        print(found["Key"])
