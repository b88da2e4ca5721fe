//! Who is in which programme. Who left stays on the list: what they earned stays theirs.

use fairhold_domain::ids::CustomerId;
use fairhold_domain::time::Moment;

use crate::db::{Result, Tx};

/// A programme that somebody is in, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The programme's key.
    pub programme: String,
    /// When they last joined.
    pub joined_at: Moment,
    /// When they left; `None`: they are in it.
    pub left_at: Option<Moment>,
}

/// All of a customer's, those they left as well.
pub async fn of(tx: &mut Tx, customer: CustomerId) -> Result<Vec<Membership>> {
    let sql = "SELECT programme, joined_at, left_at FROM memberships WHERE customer_id = $1 ORDER BY programme";
    let rows: Vec<(String, i64, Option<i64>)> = tx.all(sql, [customer.into()]).await?;
    let membership = |(programme, joined_at, left_at): (_, _, Option<i64>)| Membership {
        programme,
        joined_at: Moment(joined_at),
        left_at: left_at.map(Moment),
    };
    Ok(rows.into_iter().map(membership).collect())
}

/// Whether they are in it.
pub async fn is_member(tx: &mut Tx, customer: CustomerId, programme: &str) -> Result<bool> {
    let sql =
        "SELECT 1 FROM memberships WHERE customer_id = $1 AND programme = $2 AND left_at IS NULL";
    let args = [customer.into(), programme.into()];
    Ok(tx.optional::<(i32,)>(sql, args).await?.is_some())
}

/// Joins; answers whether they were not in it before.
pub async fn join(tx: &mut Tx, customer: CustomerId, programme: &str, now: Moment) -> Result<bool> {
    let sql = "INSERT INTO memberships (customer_id, programme, joined_at, left_at) VALUES ($1, $2, $3, NULL) \
               ON CONFLICT (customer_id, programme) DO UPDATE SET joined_at = excluded.joined_at, left_at = NULL \
               WHERE memberships.left_at IS NOT NULL";
    let args = [customer.into(), programme.into(), now.into()];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Leaves; answers whether they were in it.
pub async fn leave(
    tx: &mut Tx,
    customer: CustomerId,
    programme: &str,
    now: Moment,
) -> Result<bool> {
    let sql = "UPDATE memberships SET left_at = $3 WHERE customer_id = $1 AND programme = $2 AND left_at IS NULL";
    let args = [customer.into(), programme.into(), now.into()];
    Ok(tx.execute(sql, args).await? == 1)
}
