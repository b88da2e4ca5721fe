//! Looks at the connected systems now and then: what nobody described, and what was described and is gone, is told once, to
//! the log and to the company's staff.

use std::time::Duration;

use fairhold_connect::{ConnectError, Connector};
use fairhold_domain::catalog::Catalog;
use fairhold_domain::catalog::check::{Drift, check_schema};
use fairhold_store::jobs;
use fairhold_store::told_findings::{self, ToldFinding};
use futures::future::join_all;

use super::tell_staff::TellStaff;
use super::{Done, JobError};
use crate::Portal;
use crate::error::{Error, Result};
use crate::systems::describe;

const TEN_MINUTES: i64 = 600;
/// The code under which it is remembered that a system could not be looked at, as `fairhold check` calls it.
const UNREADABLE: &str = "database-unreadable";

/// Holds the live databases against the catalog.
pub(crate) struct LookAtSystems;

impl LookAtSystems {
    pub const NAME: &'static str = "look_at_systems";

    pub async fn run(portal: &Portal) -> Result<Done, JobError> {
        let current = portal.company().current();
        let timeout = portal.settings().system_timeout;
        let connected = current
            .systems
            .iter()
            .filter_map(|s| Some((&s.connection, s.connector.as_deref()?)));
        let looks = connected.map(|(connection, connector)| {
            Look::take(&current.catalog, connection, connector, timeout)
        });
        let looks = join_all(looks).await;
        portal.remember(looks).await?.log();
        Ok(Done::Again(TEN_MINUTES))
    }
}

/// What was seen of one system.
struct Look {
    connection: String,
    seen: Result<Vec<ToldFinding>, ConnectError>,
}

impl Look {
    async fn take(
        catalog: &Catalog,
        connection: &str,
        connector: &dyn Connector,
        timeout: Duration,
    ) -> Self {
        let schema = describe(connector, timeout).await;
        Self {
            connection: connection.to_owned(),
            seen: schema.map(|schema| {
                check_schema(catalog, connection, &schema)
                    .into_iter()
                    .filter(|finding| Drift::of(finding.code).is_some())
                    .map(|finding| ToldFinding {
                        connection: connection.to_owned(),
                        code: finding.code.to_owned(),
                        message: finding.message,
                        file: finding.place.file.to_string(),
                    })
                    .collect()
            }),
        }
    }

    /// What there is to tell of the system now. One that can't be looked at keeps what was told of it.
    fn findings(&self, known: &[ToldFinding]) -> Vec<ToldFinding> {
        let error = match &self.seen {
            Ok(findings) => return findings.clone(),
            Err(error) => error,
        };
        let known = known.iter().filter(|f| f.connection == self.connection);
        let mut findings: Vec<ToldFinding> = known.cloned().collect();
        // Its first error stands for all, so that it is not told again when it fails in another way.
        if !findings.iter().any(is_unreadable) {
            findings.push(ToldFinding {
                connection: self.connection.clone(),
                code: UNREADABLE.to_owned(),
                message: error.to_string(),
                file: String::new(),
            });
        }
        findings
    }
}

fn is_unreadable(finding: &ToldFinding) -> bool {
    finding.code == UNREADABLE
}

/// What has changed since the last time.
#[derive(Debug, PartialEq, Eq)]
struct News {
    fresh: Vec<ToldFinding>,
    gone: Vec<ToldFinding>,
    /// Connections that can be looked at again.
    back: Vec<String>,
}

impl News {
    fn of(looks: &[Look], known: Vec<ToldFinding>) -> Self {
        let now: Vec<ToldFinding> = looks.iter().flat_map(|l| l.findings(&known)).collect();
        let is_in =
            |all: &[ToldFinding], one: &ToldFinding| all.iter().any(|f| f.tells_the_same(one));
        let answers = |connection: &String| {
            let mut looks = looks.iter();
            looks.any(|l| l.connection == *connection && l.seen.is_ok())
        };
        let back = known.iter().filter(|f| is_unreadable(f));
        let back = back.map(|f| f.connection.clone()).filter(answers).collect();
        let fresh = now.iter().filter(|f| !is_in(&known, f)).cloned().collect();
        let gone = known.into_iter().filter(|f| !is_in(&now, f)).collect();
        Self { fresh, gone, back }
    }

    fn log(&self) {
        for finding in &self.fresh {
            let ToldFinding {
                connection,
                message,
                file,
                ..
            } = finding;
            if is_unreadable(finding) {
                tracing::warn!(
                    connection,
                    error = message,
                    "a connected system can't be looked at"
                );
            } else {
                tracing::warn!(
                    connection,
                    file,
                    finding = message,
                    "a connected system is not as the catalog describes it"
                );
            }
        }
        for connection in &self.back {
            tracing::info!(connection, "a connected system can be looked at again");
        }
    }
}

impl Portal {
    /// Notes what is new, forgets what is gone, and queues the mail; answers what is to be logged.
    async fn remember(&self, looks: Vec<Look>) -> Result<News> {
        let (now, job_id, telling_id) = (self.now(), self.new_id(), self.new_id());
        let writes_to_staff = self.settings().staff.is_some();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let mut news = News::of(&looks, told_findings::all(tx).await?);
                    for finding in &news.gone {
                        told_findings::forget(tx, finding).await?;
                    }
                    let mut fresh = Vec::new();
                    for finding in news.fresh {
                        if told_findings::note(tx, &finding, &telling_id).await? {
                            fresh.push(finding);
                        }
                    }
                    news.fresh = fresh;
                    if writes_to_staff && news.fresh.iter().any(|f| !is_unreadable(f)) {
                        let payload = TellStaff { telling_id }.payload()?;
                        jobs::queue(tx, &job_id, TellStaff::NAME, &payload, now).await?;
                    }
                    Ok::<News, Error>(news)
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(connection: &str, message: &str) -> ToldFinding {
        ToldFinding {
            connection: connection.to_owned(),
            code: "undescribed-column".to_owned(),
            message: message.to_owned(),
            file: "shop.yml".to_owned(),
        }
    }

    fn look(connection: &str, seen: Result<&[&str], ConnectError>) -> Look {
        let findings =
            |messages: &[&str]| messages.iter().map(|m| finding(connection, m)).collect();
        Look {
            connection: connection.to_owned(),
            seen: seen.map(findings),
        }
    }

    fn out_of_reach(connection: &str, error: ConnectError) -> ToldFinding {
        ToldFinding {
            code: UNREADABLE.to_owned(),
            message: error.to_string(),
            file: String::new(),
            ..finding(connection, "")
        }
    }

    #[test]
    fn only_what_changed_is_news() {
        let known = vec![finding("shop", "mood"), finding("shop", "luck")];
        let news = News::of(&[look("shop", Ok(&["luck", "fate"]))], known);
        assert_eq!(news.fresh, [finding("shop", "fate")]);
        assert_eq!(news.gone, [finding("shop", "mood")]);
        assert_eq!(news.back, [""; 0]);
    }

    #[test]
    fn a_system_out_of_reach_is_said_once_and_keeps_what_was_told_of_it() {
        let known = vec![finding("shop", "mood")];
        let down = [
            look("shop", Err(ConnectError::Down)),
            look("news", Ok(&["x"])),
        ];
        let news = News::of(&down, known.clone());
        let missed = out_of_reach("shop", ConnectError::Down);
        assert_eq!(news.fresh, [missed.clone(), finding("news", "x")]);
        assert_eq!(news.gone, []);

        let known = vec![finding("shop", "mood"), missed.clone()];
        let slow = [look("shop", Err(ConnectError::TooSlow))];
        let news = News::of(&slow, known.clone());
        assert_eq!((news.fresh, news.gone), (vec![], vec![]));

        let news = News::of(&[look("shop", Ok(&["mood"]))], known);
        assert_eq!((news.fresh, news.gone), (vec![], vec![missed]));
        assert_eq!(news.back, ["shop"]);
    }

    #[test]
    fn a_connection_that_the_catalog_names_no_more_is_forgotten() {
        let known = vec![
            finding("bar", "mood"),
            out_of_reach("bar", ConnectError::Down),
        ];
        let news = News::of(&[look("shop", Ok(&[]))], known.clone());
        assert_eq!((news.fresh, news.gone), (vec![], known));
        assert_eq!(news.back, [""; 0]);
    }
}
