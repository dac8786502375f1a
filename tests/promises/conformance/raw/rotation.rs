//! The end of a stream's time, and of the lakehouse's: what a client is told, what is still taken, and what comes of a
//! client that does not listen.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, transport::Endpoint};

use super::{Kind, Raw, Said, create_json, json};
use crate::conformance::case::row;
use crate::conformance::places::{COLUMNS, Place, Places};
use crate::conformance::sheet::Cell;
use crate::support::caller::Caller;
use crate::support::{RunningLakehouse, rows_on_disk};

const PRODUCTS: &str = "main.direct_write.products";

pub fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for kind in Kind::BOTH {
        let here = Arc::clone(places);
        let case = "a stream that stays after its time ends with 6002";
        cells.push(Cell::new(kind.client(), case, async move { stays(&here.rotating, kind).await }));
        let case = "a stream that stays when the lakehouse stops is unavailable";
        cells.push(Cell::new(kind.client(), case, stops(kind)));
        let here = Arc::clone(places);
        let case = "what is sent behind the close signal is taken";
        cells.push(Cell::new(kind.client(), case, async move { behind_the_signal(&here.rotating, kind).await }));
        let here = Arc::clone(places);
        let case = "streams that are rotated lose nothing";
        cells.push(Cell::new(kind.client(), case, async move { reconnects(&here.rotating, kind).await }));
    }
    cells
}

/// Until the lakehouse says that the stream is to be closed; within which time.
async fn signal(stream: &mut Raw) -> Duration {
    loop {
        match stream.next().await.unwrap().expect("no end before the signal") {
            Said::Closing(within) => return within,
            Said::Acknowledged(_) => {}
            other => panic!("{other:?} came before the signal"),
        }
    }
}

async fn behind_the_signal(place: &Place, kind: Kind) {
    let table = place.table(&format!("{} behind the signal", kind.client()), COLUMNS).await;
    let mut stream = Raw::begin(place, kind, &table, None, None).await.unwrap();
    stream.write_json(vec![row(0).to_string()]).await;
    assert!(signal(&mut stream).await >= Duration::from_secs(1), "time to finish");
    for index in 1..4 {
        stream.write_json(vec![row(index).to_string()]).await;
    }
    stream.close().await.unwrap();
    place.holds(kind.client(), &table, &["r00000", "r00001", "r00002", "r00003"]).await;
}

async fn stays(place: &Place, kind: Kind) {
    let table = place.table(&format!("{} stays", kind.client()), COLUMNS).await;
    let mut stream = Raw::begin(place, kind, &table, None, None).await.unwrap();
    stream.write_json(vec![row(0).to_string()]).await;
    stream.wait().await.unwrap();
    let ended = stream.heard_out().await;
    ended.with(Code::Unavailable, &["Stream timeout reached", "Error Code: 6002, Error State: 1."]);
    assert!(matches!(ended.said.as_slice(), [Said::Closing(_)]), "{ended:?}");
    place.holds(kind.client(), &table, &["r00000"]).await;
}

/// As a well-behaved client does: finishes at each signal and goes on with a new stream, or with the same one.
async fn reconnects(place: &Place, kind: Kind) {
    let table = place.table(&format!("{} reconnects", kind.client()), COLUMNS).await;
    let mut written = 0;
    let mut id = None;
    for _ in 0..4 {
        let resume = id.as_deref().filter(|_| kind == Kind::Persistent);
        let mut stream = Raw::begin(place, kind, &table, None, resume).await.unwrap();
        assert_eq!(stream.resumed_at, resume.map(|_| written - 1));
        id.clone_from(&stream.id);
        for _ in 0..5 {
            stream.write_json(vec![row(written.try_into().unwrap()).to_string()]).await;
            written += 1;
        }
        signal(&mut stream).await;
        stream.close().await.unwrap();
    }
    let ids: Vec<String> = (0..20).map(|index| row(index)["id"].as_str().unwrap().to_owned()).collect();
    place.holds(kind.client(), &table, &ids).await;
}

async fn stops(kind: Kind) {
    let data = tempfile::tempdir().unwrap();
    let lakehouse = RunningLakehouse::start(data.path(), "127.0.0.1:0").await;
    let admin = Caller::administrator(&lakehouse).await;
    let (_, answer) = admin.zerobus_token(PRODUCTS).await;
    let headers = [("authorization", format!("Bearer {}", answer["access_token"].as_str().unwrap()))];
    let channel = || async { Endpoint::from_shared(lakehouse.url.clone()).unwrap().connect().await.unwrap() };
    let mut streams = Vec::new();
    for name in ["leaves", "stays"] {
        let mut stream = Raw::call(channel().await, kind, &headers).await.unwrap();
        stream.send(create_json(PRODUCTS)).await;
        stream.send(json(0, &format!(r#"{{"record_id": "{name}"}}"#))).await;
        stream.next_offset = 1;
        assert!(matches!(stream.next().await, Ok(Some(Said::Created(_)))));
        stream.wait().await.unwrap();
        streams.push(stream);
    }
    let stopping = tokio::spawn(lakehouse.stop());
    let (mut stays, mut leaves) = (streams.pop().unwrap(), streams.pop().unwrap());
    signal(&mut leaves).await;
    leaves.close().await.unwrap();
    signal(&mut stays).await;
    stays.heard_out().await.with(Code::Unavailable, &["The lakehouse is stopping"]);
    stopping.await.unwrap();
    let mut rows: Vec<String> = rows_on_disk(data.path(), PRODUCTS, 2)
        .await
        .iter()
        .map(|row| row["record_id"].as_str().unwrap().to_owned())
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, ["leaves", "stays"]);
}
