"""Asks the server what pipex does not say: makes a bucket, or says all keys that begin with a prefix, claims too, and what is being uploaded.

server.py make URL | server.py keys URL
"""

import base64
import hashlib
import hmac
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree
from email.utils import formatdate


def s3():
    import boto3
    import botocore.config

    config = botocore.config.Config(retries={"max_attempts": 12, "mode": "standard"})
    return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT"], region_name="us-east-1", config=config)


def s3_keys(bucket, prefix):
    for page in s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            yield "object", found["Key"]
    if "uploads" in os.environ["PIPEX_TESTS_CONDITIONS"].split():
        for found in s3().list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            if found["Key"].startswith(prefix):
                yield "upload", found["Key"]


# Azurite's, which everybody knows.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def azure(method, container, **query):
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    query = {"restype": "container", **query}
    signed = [method, *[""] * 11, *(f"{name}:{value}" for name, value in sorted(headers.items()))]
    signed += [f"/{ACCOUNT}/{ACCOUNT}/{container}", *(f"{name}:{value}" for name, value in sorted(query.items()))]
    digest = hmac.new(base64.b64decode(KEY), "\n".join(signed).encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    url = f"{os.environ['AZURITE_BLOB_STORAGE_URL']}/{ACCOUNT}/{container}?{urllib.parse.urlencode(query)}"
    return urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers)).read()


def azure_keys(container, prefix):
    listed = xml.etree.ElementTree.fromstring(azure("GET", container, comp="list", prefix=prefix))
    for name in listed.iter("Name"):
        yield "object", name.text


def make(scheme, bucket):
    if scheme == "s3":
        return s3().create_bucket(Bucket=bucket)
    # It is tried again for two minutes.
    for _ in range(240):
        try:
            return azure("PUT", bucket)
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.5)
    sys.exit("it is not to be reached")


what, url = sys.argv[1:]
scheme, _, rest = url.partition("://")
bucket, _, prefix = rest.partition("/")
if what == "make":
    make(scheme, bucket)
else:
    for kind, key in (s3_keys if scheme == "s3" else azure_keys)(bucket, prefix):
        print(kind, key)
