"""Goes through a plan of cases with the pure-Python Zerobus SDK 0.2 and prints what it met with, as JSON.

The plan: a format (json or proto) and cases with the calls to make, each a list of one row. This SDK knows no batches.
"""

import base64
import json
import os
import sys
import time

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from zerobus.sdk.shared import NonRetriableException, RecordType, StreamConfigurationOptions, TableProperties
from zerobus.sdk.sync import ZerobusSdk

PAUSE = 0.01
# A stream that is refused while it is opened is waited for to the end of this time all the same.
OPENING_MS = 3000


def message_class(encoded):
    """The class of a message that came as its descriptor."""
    file = descriptor_pb2.FileDescriptorProto(name="row.proto", syntax="proto2")
    file.message_type.add().ParseFromString(base64.b64decode(encoded))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(file.message_type[0].name))


def opened(case, record_format):
    message = message_class(case["descriptor"]) if record_format == "proto" else None
    options = StreamConfigurationOptions(
        record_type=RecordType.PROTO if message else RecordType.JSON,
        recovery_timeout_ms=OPENING_MS,
        recovery_backoff_ms=20,
        recovery_retries=50,
    )
    properties = TableProperties(case["table"], message.DESCRIPTOR if message else None)
    sdk = ZerobusSdk(case["url"].removeprefix("https://"), case["url"])
    stream = sdk.create_stream(case["client_id"], case["client_secret"], properties, options)
    return stream, lambda row: json_format.ParseDict(row, message()) if message else row


def go_through(case, record_format):
    report = {"opened": False, "acknowledged": 0, "error": None, "is_final": False}
    try:
        stream, encode = opened(case, record_format)
        report["opened"] = True
        for (row,) in case["calls"]:
            acknowledgement = stream.ingest_record(encode(row))
            if case["slowly"]:
                acknowledgement.wait_for_ack()
                report["acknowledged"] += 1
                time.sleep(PAUSE)
        stream.flush()
        stream.close()
        report["acknowledged"] = len(case["calls"])
    except Exception as error:
        report.update(error=f"{type(error).__name__}: {error}", is_final=isinstance(error, NonRetriableException))
    return report


with open(sys.argv[1], encoding="utf-8") as file:
    plan = json.load(file)
print(json.dumps([go_through(case, plan["format"]) for case in plan["cases"]]), flush=True)
# Its threads and grpc's do not always end.
os._exit(0)
