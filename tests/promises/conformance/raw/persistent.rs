//! Streams that outlive their connections: who may go on with which, from where, and when it is over for good.

use std::sync::Arc;

use futures::future::BoxFuture;
use tonic::{Code, Status};

use super::proto::zerobus_client::ZerobusClient;
use super::proto::{ResumeIngestStreamRequest, RetireStreamRequest, retire_stream_request};
use super::{Ended, Kind, Raw, Said, Sent, json, resume_stream, with_headers};
use crate::conformance::case::row;
use crate::conformance::places::{COLUMNS, Place, Places};
use crate::conformance::sheet::Cell;

const UNKNOWN: &str = "6f1e2d3c-0000-4000-8000-000000000001";

pub(super) fn cells(places: &Arc<Places>) -> Vec<Cell> {
    let case = |name: &str, run: fn(World) -> BoxFuture<'static, ()>| {
        let (places, title) = (Arc::clone(places), name.to_owned());
        Cell::new(Kind::Persistent.client(), name, async move {
            let table = places.calm.table(&format!("raw persistent {title}"), COLUMNS).await;
            run(World { places, table }).await;
        })
    };
    vec![
        case("offsets go on from the last committed one", |world| Box::pin(world.gaps())),
        case("a stream that is not known cannot be resumed", |world| Box::pin(world.resume_unknown())),
        case("a stream is resumed into its own table only", |world| Box::pin(world.resume_elsewhere())),
        case("of two connections the later one has the stream", |world| Box::pin(world.two_connections())),
        case("a connection is replaced while it writes", |world| Box::pin(world.replaced_while_writing())),
        case("a retired stream is over, for its connection too", |world| Box::pin(world.retire())),
        case("only who may write to its table retires a stream", |world| Box::pin(world.retire_without_right())),
    ]
}

/// A table of one cell.
struct World {
    places: Arc<Places>,
    table: String,
}

impl World {
    fn place(&self) -> &Place {
        &self.places.calm
    }

    async fn begin(&self, resume: Option<&str>) -> Raw {
        Raw::begin(self.place(), Kind::Persistent, &self.table, None, resume).await.unwrap()
    }

    /// A stream with so many records, open; and its id.
    async fn written(&self, count: usize) -> (Raw, String) {
        let mut stream = self.begin(None).await;
        for index in 0..count {
            stream.write_json(vec![row(index).to_string()]).await;
        }
        stream.wait().await.unwrap();
        let id = stream.id.clone().unwrap();
        (stream, id)
    }

    /// What comes of a first message, with the headers for a table.
    async fn opened_with(&self, table: &str, first: Sent) -> Ended {
        let headers = self.place().headers(table).await;
        let mut stream = Raw::call(self.place().channel().await, Kind::Persistent, &headers).await.unwrap();
        stream.send(first).await;
        stream.finish();
        stream.heard_out().await
    }

    async fn retired(&self, id: Option<&str>, table: &str, headers: &[(&'static str, String)]) -> Result<(), Status> {
        let identifier = id.map(|id| retire_stream_request::Identifier::StreamId(id.to_owned()));
        let message = RetireStreamRequest { table_name: Some(table.to_owned()), identifier };
        let request = with_headers(message, headers);
        ZerobusClient::new(self.place().channel().await).retire_stream(request).await.map(|_| ())
    }

    async fn holds(&self, count: usize) {
        let ids: Vec<String> = (0..count).map(|index| row(index)["id"].as_str().unwrap().to_owned()).collect();
        self.place().holds(Kind::Persistent.client(), &self.table, &ids).await;
    }

    async fn gaps(self) {
        let (mut stream, id) = self.written(5).await;
        stream.close().await.unwrap();
        for (offset, text) in
            [(6, "Offset 5 was expected, 6 came"), (4, "5 was expected, 4 came"), (0, "5 was expected, 0")]
        {
            let mut stream = self.begin(Some(&id)).await;
            assert_eq!(stream.resumed_at, Some(4));
            stream.send(json(offset, &row(99).to_string())).await;
            stream.finish();
            stream.heard_out().await.with(Code::InvalidArgument, &[text]);
        }
        let mut stream = self.begin(Some(&id)).await;
        stream.write_json(vec![row(5).to_string()]).await;
        stream.close().await.unwrap();
        self.holds(6).await;
    }

    async fn resume_unknown(self) {
        let unknown = self.opened_with(&self.table, resume_stream(UNKNOWN, None)).await;
        unknown.with(Code::NotFound, &[UNKNOWN, "never created, or it was retired"]);
        for id in ["", "7", "../../grants", "00000000-0000-0000-0000-000000000000"] {
            let ended = self.opened_with(&self.table, resume_stream(id, None)).await;
            ended.with(Code::InvalidArgument, &["stream_id is missing or is not an id"]);
        }
        let without = Sent::Resume(ResumeIngestStreamRequest::default());
        let ended = self.opened_with(&self.table, without).await;
        ended.with(Code::InvalidArgument, &["stream_id is missing"]);
        self.holds(0).await;
    }

    async fn resume_elsewhere(self) {
        let (mut stream, id) = self.written(3).await;
        let other = self.place().table("raw persistent elsewhere", COLUMNS).await;
        let ended = self.opened_with(&other, resume_stream(&id, None)).await;
        ended.with(Code::InvalidArgument, &["The header names table 'main.conformance.raw_persistent_elsewhere'"]);
        let headers = [("authorization", self.place().bearer(&other).await)];
        let mut stranger = Raw::call(self.place().channel().await, Kind::Persistent, &headers).await.unwrap();
        stranger.send(resume_stream(&id, None)).await;
        stranger.finish();
        stranger.heard_out().await.with(Code::PermissionDenied, &["issued for table", "Error Code: 4024"]);
        // Whoever has it still does.
        stream.write_json(vec![row(3).to_string()]).await;
        stream.close().await.unwrap();
        self.holds(4).await;
    }

    async fn two_connections(self) {
        let (mut first, id) = self.written(5).await;
        let mut second = self.begin(Some(&id)).await;
        assert_eq!(second.resumed_at, Some(4));
        // Right for the first, and too late.
        first.send(json(5, &row(99).to_string())).await;
        let ended = first.heard_out().await;
        ended.with(Code::Aborted, &["Another connection has taken this stream over"]);
        assert_eq!(ended.said, []);
        for index in 5..10 {
            second.write_json(vec![row(index).to_string()]).await;
        }
        second.close().await.unwrap();
        self.holds(10).await;
    }

    /// Whatever the first connection has under way: what is told to the second is where the first has ended.
    async fn replaced_while_writing(self) {
        let (mut first, id) = self.written(1).await;
        let sender = first.sender.clone().unwrap();
        let flood = tokio::spawn(async move {
            for offset in 1.. {
                let record = format!(r#"{{"id": "first {offset:05}"}}"#);
                if sender.send(json(offset, &record)).await.is_err() {
                    break;
                }
            }
        });
        while !matches!(first.next().await, Ok(Some(Said::Acknowledged(offset))) if offset > 20) {}
        let mut second = self.begin(Some(&id)).await;
        let ended = first.heard_out().await;
        ended.with(Code::Aborted, &["Another connection has taken this stream over"]);
        flood.await.unwrap();
        let committed = second.resumed_at.unwrap();
        assert!(ended.acknowledgements().iter().all(|offset| *offset <= committed), "{ended:?}");
        let mut expected = vec!["r00000".to_owned()];
        expected.extend((1..=committed).map(|offset| format!("first {offset:05}")));
        for offset in committed + 1..committed + 20 {
            second.write_json(vec![format!(r#"{{"id": "second {offset:05}"}}"#)]).await;
            expected.push(format!("second {offset:05}"));
        }
        second.close().await.unwrap();
        self.place().holds(Kind::Persistent.client(), &self.table, &expected).await;
    }

    async fn retire(self) {
        let (stream, id) = self.written(3).await;
        let headers = self.place().headers(&self.table).await;
        let unknown = self.retired(Some(UNKNOWN), &self.table, &headers).await.unwrap_err();
        refused(unknown, Code::NotFound, UNKNOWN);
        for id in [None, Some(""), Some("../grants")] {
            let missing = self.retired(id, &self.table, &headers).await.unwrap_err();
            refused(missing, Code::InvalidArgument, "stream_id is missing");
        }
        self.retired(Some(&id), &self.table, &headers).await.unwrap();
        stream.heard_out().await.with(Code::Aborted, &["it was retired"]);
        refused(self.retired(Some(&id), &self.table, &headers).await.unwrap_err(), Code::NotFound, "it was retired");
        let ended = self.opened_with(&self.table, resume_stream(&id, None)).await;
        ended.with(Code::NotFound, &[&id, "it was retired"]);
        self.holds(3).await;
    }

    async fn retire_without_right(self) {
        let (mut stream, id) = self.written(3).await;
        let other = self.place().table("raw persistent other", COLUMNS).await;
        let headers = self.place().headers(&other).await;
        // With the right to another table, under its name and under this one's.
        let named = self.retired(Some(&id), &other, &headers).await.unwrap_err();
        refused(named, Code::InvalidArgument, "does not write to 'main.conformance.raw_persistent_other'");
        let bare = [("authorization", self.place().bearer(&other).await)];
        let disguised = self.retired(Some(&id), &self.table, &bare).await.unwrap_err();
        refused(disguised, Code::PermissionDenied, "Error Code: 4024, Error State: 1.");
        let general = [("authorization", format!("Bearer {}", self.place().nobody.bearer()))];
        let nobody = self.retired(Some(&id), &self.table, &general).await.unwrap_err();
        refused(nobody, Code::PermissionDenied, "Error Code: 4024, Error State: 1.");
        let nameless = self.retired(Some(&id), &self.table, &[]).await.unwrap_err();
        refused(nameless, Code::Unauthenticated, "No bearer token");
        stream.write_json(vec![row(3).to_string()]).await;
        assert!(matches!(stream.next().await, Ok(Some(Said::Acknowledged(3)))));
        stream.close().await.unwrap();
        self.holds(4).await;
    }
}

fn refused(status: Status, code: Code, word: &str) {
    Ended { said: Vec::new(), status }.with(code, &[word]);
}
