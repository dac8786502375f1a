"""Goes through a plan of cases with the official Zerobus SDK and prints what it met with, as JSON.

The plan: a format (json, proto or arrow) and cases with the calls to make, each a list of rows.
"""

import base64
import json
import os
import sys
import time

import pyarrow
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from zerobus.sdk.shared import NonRetriableException, RecordType, StreamConfigurationOptions, TableProperties
from zerobus.sdk.shared.arrow import ArrowStreamConfigurationOptions, IPCCompression
from zerobus.sdk.sync import ZerobusSdk

PAUSE = 0.01
RECOVERY = {"recovery_backoff_ms": 20, "recovery_retries": 50}


def message_class(encoded):
    """The class of a message that came as its descriptor."""
    file = descriptor_pb2.FileDescriptorProto(name="row.proto", syntax="proto2")
    file.message_type.add().ParseFromString(base64.b64decode(encoded))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(file.message_type[0].name))


def arrow_value(kind, value):
    """A JSON value as pyarrow takes it for a type."""
    if value is None:
        return None
    if pyarrow.types.is_large_binary(kind):
        return base64.b64decode(value)
    if pyarrow.types.is_list(kind):
        return [arrow_value(kind.value_type, item) for item in value]
    if pyarrow.types.is_map(kind):
        key = str if pyarrow.types.is_large_string(kind.key_type) else int
        return [(key(name), arrow_value(kind.item_type, item)) for name, item in value.items()]
    if pyarrow.types.is_struct(kind):
        return {field.name: arrow_value(field.type, value.get(field.name)) for field in kind}
    return value


def arrow_batch(schema, rows):
    columns = [
        pyarrow.array([arrow_value(field.type, row.get(field.name)) for row in rows], type=field.type)
        for field in schema
    ]
    return pyarrow.record_batch(columns, schema=schema)


class Records:
    """A stream of records: single ones, or batches."""

    def __init__(self, sdk, case, encode, properties, record_type):
        options = StreamConfigurationOptions(record_type=record_type, **RECOVERY)
        self.encode = encode
        self.stream = sdk.create_stream(case["client_id"], case["client_secret"], properties, options)

    def write(self, rows):
        records = [self.encode(row) for row in rows]
        if len(records) == 1:
            return self.stream.ingest_record_offset(records[0])
        return self.stream.ingest_records_offset(records)


class Batches:
    """A stream of Arrow batches, compressed."""

    def __init__(self, sdk, case):
        self.schema = pyarrow.ipc.read_schema(pyarrow.py_buffer(encapsulated(base64.b64decode(case["schema"]))))
        options = ArrowStreamConfigurationOptions(ipc_compression=IPCCompression.LZ4_FRAME, **RECOVERY)
        self.stream = sdk.create_arrow_stream(
            case["table"], self.schema, case["client_id"], case["client_secret"], options
        )

    def write(self, rows):
        return self.stream.ingest_batch(arrow_batch(self.schema, rows))


def encapsulated(message):
    """An Arrow message as it stands in a file: behind its length."""
    padded = message + bytes(-len(message) % 8)
    return b"\xff\xff\xff\xff" + len(padded).to_bytes(4, "little") + padded


def opened(case, record_format):
    sdk = ZerobusSdk(case["url"], unity_catalog_url=case["url"])
    if record_format == "arrow":
        return Batches(sdk, case)
    if record_format == "json":
        return Records(sdk, case, json.dumps, TableProperties(case["table"]), RecordType.JSON)
    message = message_class(case["descriptor"])
    encode = lambda row: json_format.ParseDict(row, message()).SerializeToString()
    return Records(sdk, case, encode, TableProperties(case["table"], message.DESCRIPTOR), RecordType.PROTO)


def go_through(case, record_format):
    report = {"opened": False, "acknowledged": 0, "error": None, "is_final": False}
    try:
        client = opened(case, record_format)
        report["opened"] = True
        for rows in case["calls"]:
            offset = client.write(rows)
            if case["slowly"]:
                client.stream.wait_for_offset(offset)
                report["acknowledged"] += 1
                time.sleep(PAUSE)
        client.stream.flush()
        client.stream.close()
        report["acknowledged"] = len(case["calls"])
    except Exception as error:
        report.update(error=f"{type(error).__name__}: {error}", is_final=isinstance(error, NonRetriableException))
    return report


with open(sys.argv[1], encoding="utf-8") as file:
    plan = json.load(file)
print(json.dumps([go_through(case, plan["format"]) for case in plan["cases"]]), flush=True)
# The native libraries sometimes crash while the interpreter is torn down, after everything was said.
os._exit(0)
