//! The driver makes its own connections; this one ends here, and what it carries goes through the door: to the target's
//! host and no other, or through its ssh host.

use std::net::{Ipv4Addr, SocketAddr};

use gonogo_core::record::{Cause, NotObserved};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

use crate::ctx::Ctx;
use crate::database::dsn::{Dsn, Place};
use crate::database::ssh::{self, Far, Way};

/// One connection on its way.
pub(super) struct Bridge {
    /// Where the driver is to connect.
    pub(super) port: u16,
    /// Whom to ask when it breaks.
    pub(super) way: Option<Way>,
    carrying: JoinHandle<()>,
}

enum FarEnd {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Bridge {
    /// Connects to the server; the driver is the only one that is let onto it.
    pub(super) async fn to(ctx: &Ctx, dsn: &Dsn) -> Result<Self, NotObserved> {
        let (mut end, way) = match (&dsn.ssh, far(dsn)) {
            (Some(host), far) => {
                let (stream, way) = ssh::through(ctx, host, &far).await?;
                (FarEnd::Unix(stream), Some(way))
            }
            (None, Far::Port(host, port)) => {
                (FarEnd::Tcp(ctx.connect(&host, port).await?.stream), None)
            }
            (None, Far::Socket(path)) => {
                let stream = UnixStream::connect(&path).await.map_err(|e| {
                    let message = format!("no server answers on the local socket: {e}");
                    ctx.not_observed(dsn.shown(), Cause::Refused, message)
                })?;
                (FarEnd::Unix(stream), None)
            }
        };
        let no_port =
            |e: std::io::Error| ctx.not_observed(dsn.shown(), Cause::Network, e.to_string());
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
            .map_err(no_port)?;
        let port = listener.local_addr().map_err(no_port)?.port();
        let carrying = tokio::spawn(async move {
            let Ok((mut near, _)) = listener.accept().await else {
                return;
            };
            drop(listener);
            // How it ended shows at the driver's end.
            match &mut end {
                FarEnd::Tcp(end) => drop(copy_bidirectional(&mut near, end).await),
                FarEnd::Unix(end) => drop(copy_bidirectional(&mut near, end).await),
            }
        });
        Ok(Self {
            port,
            way,
            carrying,
        })
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

fn far(dsn: &Dsn) -> Far {
    match &dsn.place {
        Place::Host(host) => Far::Port(host.clone(), dsn.port),
        Place::Socket(path) => Far::Socket(path.clone()),
        Place::UsualSocket => Far::Socket("/run/mysqld/mysqld.sock".into()),
    }
}
