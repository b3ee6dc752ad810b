//! What connects a server with the world besides its API: how messages leave it, and what its
//! endpoint consists of. The test mode has its own.

use std::sync::Arc;

use poem::{Endpoint, Response};

use crate::http::limits::Limiter;
use crate::http::server::paths::Paths;
use crate::http::server::router::Routes;
use crate::identity::Core;
use crate::mail::{self, Mailer};
use crate::outbox::Deliver;
use crate::sms;

/// How messages leave a server, and what its endpoint consists of.
pub trait Outside: Send + Sync + 'static {
    /// What sends mail.
    fn mailer(&self, core: &Core) -> Arc<dyn Mailer>;

    /// What sends text messages.
    fn gateway(&self, core: &Core) -> Arc<dyn Deliver>;

    /// The HTTP endpoint. It is made again when the configuration is reloaded.
    fn endpoint(
        &self,
        core: &Arc<Core>,
        limiter: &Limiter,
    ) -> impl Endpoint<Output = Response> + 'static + use<Self>;
}

/// The outside that the configuration describes.
pub struct Configured;

impl Outside for Configured {
    fn mailer(&self, core: &Core) -> Arc<dyn Mailer> {
        mail::mailer(&core.config.mail, &core.env)
    }

    fn gateway(&self, core: &Core) -> Arc<dyn Deliver> {
        sms::gateway(&core.config.sms)
    }

    fn endpoint(
        &self,
        core: &Arc<Core>,
        limiter: &Limiter,
    ) -> impl Endpoint<Output = Response> + 'static + use<> {
        super::endpoint(core, limiter)
    }
}

/// Routes besides those of pages and wires.
#[derive(Default)]
pub struct MoreRoutes {
    pub routes: Routes,
    /// Their paths, with the methods they accept.
    pub paths: Paths,
    /// The paths that are exempt from the general limit.
    pub uncounted: Vec<String>,
}
