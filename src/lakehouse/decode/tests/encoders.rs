//! What the writers encode is what the decoders read, for any table.

use deltalake::arrow::datatypes::SchemaRef;
use deltalake::arrow::record_batch::RecordBatch;
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use proptest::prelude::*;
use prost::Message;

use super::model::{Cell, json, rows_of};
use super::random::{Format, cases, protobuf, table, to_message};
use crate::lakehouse::columns::uc_column;
use crate::lakehouse::decode::arrow::check_schema;
use crate::lakehouse::decode::{BatchBuilder, Decoder, Encoded, JsonDecoder, ProtobufDecoder};
use crate::model::{TableInfo, TableName};
use crate::writer::arrow_schema;
use crate::writer::encode::arrow::ArrowEncoder;
use crate::writer::encode::json::JsonEncoder;
use crate::writer::encode::protobuf::{ProtobufEncoder, table_descriptor};

/// The table as Unity Catalog shows it.
fn shown(table: &SchemaRef) -> TableInfo {
    let delta: StructType = table.as_ref().try_into_kernel().unwrap();
    let columns = delta.fields().enumerate().map(|(position, field)| uc_column(field, position)).collect();
    TableInfo { name: TableName::parse("main.default.any").unwrap(), columns }
}

fn decoded<'a>(mut decoder: Decoder, table: &SchemaRef, records: impl IntoIterator<Item = Encoded<'a>>) -> RecordBatch {
    let mut builder = BatchBuilder::new(table.clone());
    for record in records {
        decoder.decode(record, &mut builder).unwrap();
    }
    builder.finish().unwrap()
}

/// Rows as a batch, by way of messages that other code wrote.
fn from_messages(table: &SchemaRef, rows: &[Vec<Cell>]) -> RecordBatch {
    let messages: Vec<_> = rows.iter().map(|row| to_message(table, row).encode_to_vec()).collect();
    decoded(protobuf(table), table, messages.iter().map(|message| Encoded::Protobuf(message)))
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn any_table_is_known_from_its_columns((table, _) in table(Format::Json)) {
        prop_assert_eq!(arrow_schema(&shown(&table)).unwrap(), table);
    }

    #[test]
    fn messages_are_read_as_they_were_meant((table, rows) in table(Format::Protobuf)) {
        let batch = from_messages(&table, &rows);
        let descriptor = table_descriptor(&shown(&table)).unwrap();
        let messages = ProtobufEncoder::new(&descriptor, table.clone()).unwrap().encode(&batch).unwrap();
        let decoder = ProtobufDecoder::new(&descriptor.encode_to_vec(), &table).unwrap();
        let records = messages.iter().map(|message| Encoded::Protobuf(message));
        prop_assert_eq!(rows_of(&decoded(Decoder::Protobuf(decoder), &table, records)), rows);
    }

    #[test]
    fn objects_are_read_as_they_were_meant((table, rows) in table(Format::Json)) {
        let decoder = || Decoder::Json(JsonDecoder::new(&table));
        let theirs: Vec<_> = rows.iter().map(|row| json(table.fields(), row).to_string()).collect();
        let batch = decoded(decoder(), &table, theirs.iter().map(|object| Encoded::Json(object)));
        let ours = JsonEncoder::new(table.clone()).encode(&batch).unwrap();
        prop_assert_eq!(rows_of(&decoded(decoder(), &table, ours.iter().map(|object| Encoded::Json(object)))), rows);
    }

    #[test]
    fn batches_are_read_as_they_were_meant((table, rows) in table(Format::Protobuf)) {
        let batch = ArrowEncoder::new(&shown(&table)).unwrap().encode(&from_messages(&table, &rows)).unwrap();
        let plan = check_schema(&batch.schema(), &table).unwrap();
        prop_assert_eq!(rows_of(&plan.fit(&batch).unwrap()), rows);
    }
}
