"""Writes records with the unmodified official Zerobus client: endpoint, table, id, secret, format, count."""

import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from zerobus.sdk.shared import RecordType, StreamConfigurationOptions, TableProperties
from zerobus.sdk.sync import ZerobusSdk

endpoint, table, client_id, client_secret, record_format, count = sys.argv[1:]

FIELDS = ["record_id", "product_id", "product_name", "product_price", "category"]


def product_message():
    """The message class of a product, made at run time: five of the table's columns."""
    file = descriptor_pb2.FileDescriptorProto(name="product.proto", syntax="proto2")
    message = file.message_type.add(name="Product")
    for number, name in enumerate(FIELDS, start=1):
        kind = "TYPE_DOUBLE" if name == "product_price" else "TYPE_STRING"
        field = message.field.add(name=name, number=number)
        field.type = descriptor_pb2.FieldDescriptorProto.Type.Value(kind)
        field.label = descriptor_pb2.FieldDescriptorProto.Label.LABEL_OPTIONAL
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Product"))


def record(index):
    return dict(zip(FIELDS, [f"{record_format}-{index}", f"P{index}", "Official client", index / 4, "test"]))


sdk = ZerobusSdk(endpoint, unity_catalog_url=endpoint)
if record_format == "json":
    properties = TableProperties(table)
    options = StreamConfigurationOptions(record_type=RecordType.JSON)
    records = (record(index) for index in range(int(count)))
else:
    message = product_message()
    properties = TableProperties(table, message.DESCRIPTOR)
    options = StreamConfigurationOptions(record_type=RecordType.PROTO)
    records = (message(**record(index)) for index in range(int(count)))

stream = sdk.create_stream(client_id, client_secret, properties, options)
try:
    last = None
    for one in records:
        last = stream.ingest_record_offset(one)
    stream.wait_for_offset(last)
finally:
    stream.close()
print(f"{count} records acknowledged, last offset {last}")
