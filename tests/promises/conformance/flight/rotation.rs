//! The end of a Flight stream's time: what the client is told, what is still taken, and what comes of one that stays.

use std::sync::Arc;
use std::time::Duration;

use tonic::Code;

use super::{CLIENT, Flight};
use crate::conformance::case::row;
use crate::conformance::places::{COLUMNS, Place, Places};
use crate::conformance::shape::Shape;
use crate::conformance::sheet::Cell;

pub fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let here = Arc::clone(places);
    let stays = async move { stays(&here.rotating).await };
    let here = Arc::clone(places);
    let behind = async move { behind_the_signal(&here.rotating).await };
    let here = Arc::clone(places);
    let reconnects = async move { reconnects(&here.rotating).await };
    vec![
        Cell::new(CLIENT, "a stream that stays after its time ends with 6002", stays),
        Cell::new(CLIENT, "what is sent behind the close signal is taken", behind),
        Cell::new(CLIENT, "streams that are rotated lose nothing", reconnects),
    ]
}

async fn stays(place: &Place) {
    let table = place.table("raw Flight stays", COLUMNS).await;
    let shape = Shape::of(place, &table).await;
    let mut stream = Flight::begin(place, &table, &shape.arrow).await.unwrap();
    stream.write(&shape.batch(&[row(0)])).await;
    stream.wait().await.unwrap();
    let ended = stream.heard_out().await;
    ended.with(Code::Unavailable, &["Stream timeout reached", "Error Code: 6002, Error State: 1."]);
    // The signal repeats what is acknowledged.
    let said: Vec<_> = ended.said.iter().map(|said| (said.ack_up_to_offset, said.ack_up_to_records)).collect();
    assert_eq!(said, [(0, 1)]);
    assert!(ended.said[0].close_stream_duration_ms.is_some());
    place.holds(CLIENT, &table, &["r00000"]).await;
}

async fn behind_the_signal(place: &Place) {
    let table = place.table("raw Flight behind the signal", COLUMNS).await;
    let shape = Shape::of(place, &table).await;
    let mut stream = Flight::begin(place, &table, &shape.arrow).await.unwrap();
    assert!(stream.signal().await >= Duration::from_secs(1), "time to finish");
    stream.write(&shape.batch(&[row(0), row(1)])).await;
    stream.write(&shape.batch(&[row(2)])).await;
    stream.close().await.unwrap();
    place.holds(CLIENT, &table, &["r00000", "r00001", "r00002"]).await;
}

/// As a well-behaved client does: finishes at each signal and goes on with a new stream.
async fn reconnects(place: &Place) {
    let table = place.table("raw Flight reconnects", COLUMNS).await;
    let shape = Shape::of(place, &table).await;
    let mut ids = Vec::new();
    for part in 0..4 {
        let mut stream = Flight::begin(place, &table, &shape.arrow).await.unwrap();
        for index in part * 5..(part + 1) * 5 {
            stream.write(&shape.batch(&[row(index)])).await;
            ids.push(row(index)["id"].as_str().unwrap().to_owned());
        }
        stream.signal().await;
        stream.close().await.unwrap();
    }
    place.holds(CLIENT, &table, &ids).await;
}
