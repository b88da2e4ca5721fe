//! What pages are compared with: axum alone, with a fixed answer of the same bytes, as a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

use crate::load::Target;
use crate::program::{end, port};

/// With this argument the bench is the bare server; files with the answers follow it.
pub const ARGUMENT: &str = "--bare";

/// The bare server's process. Dropping it ends it.
pub struct BareServer {
    child: Child,
    address: SocketAddr,
}

impl BareServer {
    /// Starts it with the bodies of these targets.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn start(folder: &Path, targets: &[&Target]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        for (number, target) in targets.iter().enumerate() {
            let file = folder.join(format!("{number}.html"));
            std::fs::write(&file, &target.body)?;
            command.arg(file);
        }
        let mut child = command.spawn()?;
        let port = port(&mut child);
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        server.address.set_port(port?);
        Ok(server)
    }

    /// The answer with this number, held to the same texts as the page that it was taken from.
    ///
    /// # Errors
    /// When it is not answered.
    pub async fn target(&self, number: usize, page: &Target) -> Result<Arc<Target>> {
        Target::new(self.address, &format!("/{number}"), "none", page.expected()).await
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Serves each file under its number, until the process that started it is gone.
///
/// # Errors
/// When a file can't be read, or serving fails.
pub fn serve(files: &[String]) -> Result<()> {
    std::thread::spawn(|| {
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        std::process::exit(0);
    });
    let mut routes = Router::new();
    for (number, file) in files.iter().enumerate() {
        let body =
            Bytes::from(std::fs::read(file).with_context(|| format!("{file} can't be read"))?);
        let answer = async move || ([(CONTENT_TYPE, "text/html; charset=utf-8")], body.clone());
        routes = routes.route(&format!("/{number}"), get(answer));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("http://localhost:{}", listener.local_addr()?.port());
        Ok(axum::serve(listener, routes).await?)
    })
}
