//! The variables by which a deployment talks to the stand-ins.

use loopback_sms::{ACCOUNT, AUTH_TOKEN, MAIL_KEY, NUMBER};

use crate::options::Options;

/// The top-level domain of contacts that count as real without DNS.
pub(crate) const ZONE: &str = "test";
/// The sender of e-mails.
pub(crate) const MAIL_FROM: &str = "check-deployment@example.com";

/// Which of the stand-ins, in the order of their ports.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StandIn {
    Sms = 0,
    Mail = 1,
    Source = 2,
}

impl StandIn {
    /// The port on which it listens.
    pub(crate) fn port(self, options: &Options) -> u16 {
        options.stand_ins.port().saturating_add(self as u16)
    }

    /// Where the deployment reaches it, without a path.
    pub(crate) fn url(self, options: &Options) -> String {
        format!("{}:{}", origin(options), self.port(options))
    }
}

/// Names and values.
pub(crate) fn all(options: &Options, url: &str) -> [(&'static str, String); 14] {
    [
        ("dns", "off".to_owned()),
        ("allow_reserved", ZONE.to_owned()),
        ("sms_provider", "twilio".to_owned()),
        ("sms_url", StandIn::Sms.url(options)),
        ("sms_account", ACCOUNT.to_owned()),
        ("sms_key", AUTH_TOKEN.to_owned()),
        ("sms_from", NUMBER.to_owned()),
        ("email_provider", "resend".to_owned()),
        ("email_url", StandIn::Mail.url(options)),
        ("email_path", "/emails".to_owned()),
        ("email_key", MAIL_KEY.to_owned()),
        ("email_from", MAIL_FROM.to_owned()),
        ("sync_hosts", sync_hosts(options)),
        ("public_url", url.to_owned()),
    ]
}

/// One line each.
pub(crate) fn shown(options: &Options, url: &str) -> String {
    let line = |(name, value): (&str, String)| match options.env {
        true => format!("SPIN_VARIABLE_{}={value}\n", name.to_uppercase()),
        false => format!("{name}={value}\n"),
    };
    all(options, url).into_iter().map(line).collect()
}

/// One pattern for the stand-in for a source and for the JMAP server.
fn sync_hosts(options: &Options) -> String {
    let origin = origin(options);
    let jmap_is_elsewhere = options
        .jmap_url
        .as_ref()
        .is_some_and(|it| !it.starts_with(&format!("{origin}:")));
    match jmap_is_elsewhere {
        true => "*://*:*".to_owned(),
        false => format!("{origin}:*"),
    }
}

fn origin(options: &Options) -> String {
    match &options.stand_ins_host {
        Some(host) => format!("http://{host}"),
        None if options.stand_ins.is_ipv6() => format!("http://[{}]", options.stand_ins.ip()),
        None => format!("http://{}", options.stand_ins.ip()),
    }
}
