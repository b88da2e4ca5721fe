//! What was told of the connected systems, so that each finding is told once. It names tables and columns, and never holds
//! a value.

use crate::db::{Result, Tx};
use crate::seal::token_hash;

/// A finding that was told, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ToldFinding {
    /// The connection that it is about.
    pub connection: String,
    /// What kind of finding it is.
    pub code: String,
    /// What was found, in one line.
    pub message: String,
    /// The file of the catalog that it is about.
    pub file: String,
}

impl ToldFinding {
    /// Whether it tells what the other one does. Its file may have been moved.
    pub fn tells_the_same(&self, other: &Self) -> bool {
        self.told() == other.told()
    }

    fn told(&self) -> [&str; 3] {
        [&self.connection, &self.code, &self.message]
    }

    /// Names can be longer than a key of PostgreSQL may be; their hash can't.
    fn hash(&self) -> String {
        token_hash(&self.told().join("\0"))
    }
}

/// Everything that was told and still stands: as much as the systems have tables and columns.
pub async fn all(tx: &mut Tx) -> Result<Vec<ToldFinding>> {
    let sql = "SELECT connection, code, message, file FROM told_findings";
    tx.all(sql, []).await
}

/// Notes that a finding is told; `false` when it was told before, be it by another process just now.
pub async fn note(tx: &mut Tx, finding: &ToldFinding, telling_id: &str) -> Result<bool> {
    let sql = "INSERT INTO told_findings (finding_hash, connection, code, message, file, telling_id) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (finding_hash) DO NOTHING";
    let args = [
        finding.hash().into(),
        finding.connection.as_str().into(),
        finding.code.as_str().into(),
        finding.message.as_str().into(),
        finding.file.as_str().into(),
        telling_id.into(),
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Forgets a finding that has gone away: when it comes back, it is told again. `false` when it was forgotten before.
pub async fn forget(tx: &mut Tx, finding: &ToldFinding) -> Result<bool> {
    let sql = "DELETE FROM told_findings WHERE finding_hash = $1";
    Ok(tx.execute(sql, [finding.hash().into()]).await? == 1)
}

/// What was told together and still stands, file by file.
pub async fn of_telling(tx: &mut Tx, telling_id: &str) -> Result<Vec<ToldFinding>> {
    let sql = "SELECT connection, code, message, file FROM told_findings WHERE telling_id = $1 ORDER BY file, code, message";
    tx.all(sql, [telling_id.into()]).await
}
