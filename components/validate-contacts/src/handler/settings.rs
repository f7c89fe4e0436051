use baton::{Error, variable};

use crate::email::{Rules, domain_names};
use crate::provider::Shape;

/// The settings of this component, from its Spin variables.
pub(crate) struct Settings {
    pub(crate) rules: Rules,
    /// Two resolvers, the second asked when the first does not answer.
    pub(crate) resolvers: [String; 2],
    pub(crate) provider: Option<Provider>,
}

/// A verification provider.
pub(crate) struct Provider {
    pub(crate) shape: Shape,
    pub(crate) url: String,
    pub(crate) key: String,
}

impl Settings {
    pub(crate) async fn load() -> Result<Self, Error> {
        let rules = Rules {
            dns: match variable("dns").await?.as_str() {
                "on" => true,
                "off" => false,
                other => {
                    return Err(Error::Bug(format!(
                        "variable dns is {other:?}; set it to on or off"
                    )));
                }
            },
            allow_reserved: domain_names(&variable("allow_reserved").await?),
            allow_domains: domain_names(&variable("allow_domains").await?),
        };
        let provider = match variable("provider").await?.as_str() {
            "none" => None,
            shape => Some(Provider {
                shape: shape
                    .parse()
                    .map_err(|it| Error::Bug(format!("variable provider: {it}")))?,
                url: variable("provider_url").await?,
                key: variable("provider_key").await?,
            }),
        };
        Ok(Self {
            rules,
            resolvers: [variable("resolver1").await?, variable("resolver2").await?],
            provider,
        })
    }
}
