//! Who may do what: service principals, grants, and every door that asks for them.

mod catalog;
mod sql;
mod volumes;
mod zerobus;

use crate::support::RunningLakehouse;
use crate::support::caller::Caller;

const PRODUCTS: &str = "main.direct_write.products";
const TELEMETRY: &str = "main.direct_write.telemetry";

/// A lakehouse and its administrator.
struct World {
    lakehouse: RunningLakehouse,
    admin: Caller,
    data: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let lakehouse = RunningLakehouse::start(data.path(), "127.0.0.1:0").await;
        let admin = Caller::administrator(&lakehouse).await;
        Self { lakehouse, admin, data }
    }

    /// A principal that may do what the statements grant; `{}` in them is the principal.
    async fn principal(&self, name: &str, grants: &[&str]) -> Caller {
        let caller = self.admin.create(name).await;
        for grant in grants {
            self.admin.rows(&grant.replace("{}", &format!("`{}`", caller.client_id))).await;
        }
        caller
    }
}

/// The GRANT statements in a refusal.
fn statements(refusal: &str) -> Vec<String> {
    let starts = refusal.match_indices("GRANT ").map(|(start, _)| &refusal[start..]);
    starts.map(|text| text[..text.find(';').unwrap()].to_owned()).collect()
}
