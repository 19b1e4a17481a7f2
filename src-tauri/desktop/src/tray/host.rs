//! Whether this desktop has a tray: somebody who shows items of the StatusNotifierItem specification (freedesktop.org). Elsewhere there is
//! always one.

pub use platform::Host;

#[cfg(target_os = "linux")]
mod platform {
    use futures_util::StreamExt as _;
    use zbus::Connection;
    use zbus::fdo::{DBusProxy, NameOwnerChangedStream};
    use zbus::names::BusName;

    /// Who keeps the list of items.
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";

    /// The desktop's tray, which comes and goes.
    pub struct Host {
        bus: DBusProxy<'static>,
        owners: NameOwnerChangedStream,
    }

    impl Host {
        /// Begins to look; none where there is no session bus.
        pub async fn find() -> Option<Self> {
            let found = async {
                let bus = DBusProxy::new(&Connection::session().await?).await?;
                let owners = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
                Ok::<_, zbus::Error>(Self { bus, owners })
            };
            match found.await {
                Ok(host) => Some(host),
                Err(error) => {
                    tracing::info!(%error, "there is no tray");
                    None
                }
            }
        }

        /// Waits until there is a tray; false when there will be none any more.
        pub async fn comes(&mut self) -> bool {
            while !self.is_there().await {
                if self.owners.next().await.is_none() {
                    return false;
                }
            }
            true
        }

        /// Waits until there is none.
        pub async fn goes(&mut self) {
            while self.owners.next().await.is_some() {
                if !self.is_there().await {
                    return;
                }
            }
        }

        async fn is_there(&self) -> bool {
            match BusName::try_from(WATCHER) {
                Ok(name) => self.bus.name_has_owner(name).await.unwrap_or(false),
                Err(_) => false,
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    /// The system's tray.
    pub struct Host;

    impl Host {
        pub async fn find() -> Option<Self> {
            Some(Self)
        }

        pub async fn comes(&mut self) -> bool {
            true
        }

        pub async fn goes(&mut self) {
            std::future::pending::<()>().await;
        }
    }
}
