//! Twilio, Resend and a source of JSON, on the ports that the deployment was told.

use std::net::SocketAddr;

use loopback_sms::{LoopbackMail, LoopbackSms};

use crate::advice;
use crate::options::Options;
use crate::pages::Pages;
use crate::variables::StandIn;

/// How many pages the source has.
pub(crate) const PAGES: u32 = 3;

/// All of them, running; dropping it ends them.
pub(crate) struct StandIns {
    pub(crate) sms: LoopbackSms,
    pub(crate) mail: LoopbackMail,
    pub(crate) source: Pages,
}

impl StandIns {
    pub(crate) async fn start(options: &Options) -> anyhow::Result<StandIns> {
        let address = |it: StandIn| SocketAddr::new(options.stand_ins.ip(), it.port(options));
        let start = async || {
            anyhow::Ok(StandIns {
                sms: LoopbackSms::listen(address(StandIn::Sms)).await?,
                mail: LoopbackMail::listen(address(StandIn::Mail)).await?,
                source: Pages::listen(address(StandIn::Source), PAGES).await?,
            })
        };
        start().await.map_err(advice::with(
            format!("the stand-ins cannot listen on {} and the next two ports", options.stand_ins),
            "choose other ports with --stand-ins, and start the deployment with the variables that --variables then prints",
        ))
    }
}
