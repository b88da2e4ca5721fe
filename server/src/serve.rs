//! Listening, working, and stopping cleanly.

use std::future::IntoFuture;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use fairhold_app::assets::Assets;
use fairhold_app::state::AppState;
use fairhold_portal::Portal;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::Config;
use crate::http::router;

/// How long requests that are under way may take to end after the signal to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// How often the catalog's files are looked at for a change.
const LOOK_AT_CATALOG: Duration = Duration::from_secs(5);

/// A server that listens.
pub struct Server {
    portal: Portal,
    router: Router,
    listeners: Vec<TcpListener>,
}

impl Server {
    /// Binds every address of the configuration.
    ///
    /// # Errors
    /// When no address can be bound, or the browser's files have not been built.
    pub async fn bind(portal: Portal, config: &Config) -> anyhow::Result<Self> {
        let site = site_folder()?;
        let assets = Assets::read(&site).with_context(|| {
            format!("the browser's files are not in {}. Run `make build`, or set FAIRHOLD_SITE to where they are.", site.display())
        })?;
        let mut listeners: Vec<TcpListener> = Vec::new();
        for ip in &config.server.listen {
            // With port 0 the second address takes the port that the first one got.
            let port = listeners
                .first()
                .and_then(|l| l.local_addr().ok())
                .map_or(config.server.port, |a| a.port());
            match TcpListener::bind(SocketAddr::new(*ip, port)).await {
                Ok(listener) => listeners.push(listener),
                // A machine without IPv6 has no ::1; one address is enough.
                Err(e) if !listeners.is_empty() && e.kind() != ErrorKind::AddrInUse => {
                    tracing::warn!(%ip, error = %e, "this address is not served");
                }
                Err(e) => {
                    return Err(e).with_context(|| {
                        format!("port {port} on {ip} is not free. Set PORT to another one")
                    });
                }
            }
        }
        let router = router(AppState::new(portal.clone(), assets), config);
        Ok(Self {
            portal,
            router,
            listeners,
        })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.listeners
            .first()
            .and_then(|l| l.local_addr().ok())
            .map_or(0, |a| a.port())
    }

    /// Serves and works until `stop` says so, then ends what is under way and closes the stores.
    ///
    /// # Errors
    /// When serving fails.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        let (stopping, stopped) = watch::channel(false);
        let until_stopped = |mut stopped: watch::Receiver<bool>| async move {
            // A closed channel means the same.
            if stopped.wait_for(|s| *s).await.is_err() {}
        };
        let mut tasks = tokio::task::JoinSet::new();
        for listener in self.listeners {
            let service = self
                .router
                .clone()
                .into_make_service_with_connect_info::<SocketAddr>();
            let serving = axum::serve(listener, service)
                .with_graceful_shutdown(until_stopped(stopped.clone()));
            tasks.spawn(async move { serving.into_future().await.map_err(anyhow::Error::from) });
        }
        let worker = self.portal.clone();
        let stop_worker = until_stopped(stopped.clone());
        tasks.spawn(async move {
            worker.work(stop_worker).await;
            Ok(())
        });
        let watcher = self.portal.clone();
        let stop_watcher = until_stopped(stopped);
        tasks.spawn(async move {
            watch_catalog(&watcher, stop_watcher).await;
            Ok(())
        });
        let outcome = tokio::select! {
            () = stop => Ok(()),
            ended = tasks.join_next() => match ended {
                Some(Ok(outcome)) => outcome,
                Some(Err(panicked)) => Err(panicked.into()),
                None => Ok(()),
            },
        };
        stopping.send_replace(true);
        let all_ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_REQUESTS, all_ended)
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end in time and were cut off");
        }
        self.portal.close().await;
        outcome
    }
}

/// Takes up a changed catalog; a wrong one is named in the log, and the last good one stays.
async fn watch_catalog(portal: &Portal, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    // What is wrong is said once, until it changes.
    let mut told = None;
    loop {
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(LOOK_AT_CATALOG) => {}
        }
        let company = portal.clone();
        match tokio::task::spawn_blocking(move || company.company().reload()).await {
            Ok(Ok(changed)) => {
                told = None;
                if changed {
                    tracing::info!("the catalog has changed and was loaded again");
                }
            }
            Ok(Err(error)) if told.as_ref() == Some(&error.to_string()) => {}
            Ok(Err(error)) => {
                told = Some(error.to_string());
                tracing::error!(%error, "the changed catalog can't be used: the last good one stays");
            }
            Err(error) => tracing::error!(%error, "the catalog could not be looked at"),
        }
    }
}

/// Where the browser's files are: named, or beside the folder of the program.
fn site_folder() -> anyhow::Result<PathBuf> {
    // The second is what cargo-leptos says when it starts the program.
    if let Some(named) = ["FAIRHOLD_SITE", "LEPTOS_SITE_ROOT"]
        .into_iter()
        .find_map(std::env::var_os)
    {
        return Ok(PathBuf::from(named));
    }
    let program = std::env::current_exe()?;
    let folder = program
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("site"))
        .find(|site| site.is_dir());
    Ok(folder.unwrap_or_else(|| PathBuf::from("site")))
}

/// Ctrl-C, or the signal by which service managers stop a program.
/// The signals are listened to from the call on, not only once the answer is waited for.
///
/// # Errors
/// When the operating system lets nobody listen.
pub fn asked_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
