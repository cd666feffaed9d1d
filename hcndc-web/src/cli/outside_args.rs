//! Which directory checks passwords, and which provider signs people in.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use hcndc_core::model::Secret;

use crate::{
    auth::{
        directory::{ACCOUNT, LdapSettings},
        outside::{Newcomers, RoleOfGroup, Rules},
        provider::OidcSettings,
    },
    interchange::Lang,
};

/// The variable with the password of the account that searches.
const BIND_PASSWORD: &str = "HCNDC_LDAP_BIND_PASSWORD";
/// The variable with what proves this server to the provider.
const CLIENT_SECRET: &str = "HCNDC_OIDC_CLIENT_SECRET";

/// What becomes of somebody who has no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum NewcomersName {
    Refuse,
    Create,
}

/// A directory.
#[derive(Debug, Args)]
pub(super) struct LdapArgs {
    /// Directory that checks passwords of users who are not local: ldap://HOST (then by StartTLS) or ldaps://HOST
    #[arg(
        long,
        value_name = "URL",
        env = "HCNDC_LDAP_URL",
        requires = "ldap_base"
    )]
    ldap_url: Option<String>,
    /// Send passwords to ldap://… in clear; for a directory on this host
    #[arg(long, env = "HCNDC_LDAP_INSECURE")]
    ldap_insecure: bool,
    /// PEM file with an authority's certificates, by which the directory is believed besides those that this host trusts
    #[arg(long, value_name = "FILE", env = "HCNDC_LDAP_CA")]
    ldap_ca: Option<PathBuf>,
    /// Name that the directory is searched under; nobody's if not given
    #[arg(long, value_name = "DN", env = "HCNDC_LDAP_BIND_DN")]
    ldap_bind_dn: Option<String>,
    /// File with that name's password; the variable HCNDC_LDAP_BIND_PASSWORD if not given
    #[arg(long, value_name = "FILE", env = "HCNDC_LDAP_BIND_PASSWORD_FILE")]
    ldap_bind_password_file: Option<PathBuf>,
    /// Entry below which people are
    #[arg(
        long,
        value_name = "DN",
        env = "HCNDC_LDAP_BASE",
        requires = "ldap_url"
    )]
    ldap_base: Option<String>,
    /// Filter that finds whom {account} means
    #[arg(
        long,
        value_name = "FILTER",
        default_value = "(uid={account})",
        env = "HCNDC_LDAP_FILTER"
    )]
    ldap_filter: String,
    /// Attribute with what a person is called here
    #[arg(
        long,
        value_name = "NAME",
        default_value = "uid",
        env = "HCNDC_LDAP_ACCOUNT_ATTRIBUTE"
    )]
    ldap_account_attribute: String,
    /// Attribute with a person's name
    #[arg(
        long,
        value_name = "NAME",
        default_value = "cn",
        env = "HCNDC_LDAP_NAME_ATTRIBUTE"
    )]
    ldap_name_attribute: String,
    /// Attribute of people with their groups
    #[arg(
        long,
        value_name = "NAME",
        default_value = "memberOf",
        env = "HCNDC_LDAP_GROUP_ATTRIBUTE"
    )]
    ldap_group_attribute: String,
    /// Filter that finds the groups of a person instead, by {dn} or {account}: (member={dn})
    #[arg(long, value_name = "FILTER", env = "HCNDC_LDAP_GROUP_FILTER")]
    ldap_group_filter: Option<String>,
    /// Entry below which groups are; that of people if not given
    #[arg(long, value_name = "DN", env = "HCNDC_LDAP_GROUP_BASE")]
    ldap_group_base: Option<String>,
    /// Role that a group gives; may be given several times, in the environment by semicolons
    #[arg(
        long,
        value_name = "GROUP=ROLE",
        env = "HCNDC_LDAP_ROLE",
        value_delimiter = ';'
    )]
    ldap_role: Vec<RoleOfGroup>,
    /// What becomes of somebody from there who has no account here
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "refuse",
        env = "HCNDC_LDAP_NEWCOMERS"
    )]
    ldap_newcomers: NewcomersName,
    /// Role that newcomers get besides those of their groups; may be given several times
    #[arg(
        long,
        value_name = "ROLE",
        env = "HCNDC_LDAP_NEWCOMER_ROLE",
        value_delimiter = ','
    )]
    ldap_newcomer_role: Vec<String>,
}

/// A provider.
#[derive(Debug, Args)]
pub(super) struct OidcArgs {
    /// Provider of OpenID Connect that signs people in: its address, exactly as in its tokens; it must send people back to
    /// BASE_URL/api/v1/session/oidc/callback
    #[arg(
        long,
        value_name = "URL",
        env = "HCNDC_OIDC_ISSUER",
        requires = "oidc_client_id"
    )]
    oidc_issuer: Option<String>,
    /// What this server is called at the provider
    #[arg(
        long,
        value_name = "ID",
        env = "HCNDC_OIDC_CLIENT_ID",
        requires = "oidc_issuer"
    )]
    oidc_client_id: Option<String>,
    /// File with what proves that it is; the variable HCNDC_OIDC_CLIENT_SECRET if not given, and a public client without either
    #[arg(long, value_name = "FILE", env = "HCNDC_OIDC_CLIENT_SECRET_FILE")]
    oidc_client_secret_file: Option<PathBuf>,
    /// What is asked for besides openid; several by commas
    #[arg(
        long,
        value_name = "SCOPE",
        default_value = "profile,email",
        env = "HCNDC_OIDC_SCOPE",
        value_delimiter = ','
    )]
    oidc_scope: Vec<String>,
    /// Claim with what a person is called here
    #[arg(
        long,
        value_name = "NAME",
        default_value = "preferred_username",
        env = "HCNDC_OIDC_ACCOUNT_CLAIM"
    )]
    oidc_account_claim: String,
    /// Claim with a person's name
    #[arg(
        long,
        value_name = "NAME",
        default_value = "name",
        env = "HCNDC_OIDC_NAME_CLAIM"
    )]
    oidc_name_claim: String,
    /// Claim with a person's groups; a dot leads into objects: realm_access.roles
    #[arg(
        long,
        value_name = "NAME",
        default_value = "groups",
        env = "HCNDC_OIDC_GROUP_CLAIM"
    )]
    oidc_group_claim: String,
    /// Role that a group gives; may be given several times, in the environment by semicolons
    #[arg(
        long,
        value_name = "GROUP=ROLE",
        env = "HCNDC_OIDC_ROLE",
        value_delimiter = ';'
    )]
    oidc_role: Vec<RoleOfGroup>,
    /// What becomes of somebody from there who has no account here
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "refuse",
        env = "HCNDC_OIDC_NEWCOMERS"
    )]
    oidc_newcomers: NewcomersName,
    /// Role that newcomers get besides those of their groups; may be given several times
    #[arg(
        long,
        value_name = "ROLE",
        env = "HCNDC_OIDC_NEWCOMER_ROLE",
        value_delimiter = ','
    )]
    oidc_newcomer_role: Vec<String>,
    /// What stands on the button of the page for signing in; the provider's host if not given
    #[arg(long, value_name = "TEXT", env = "HCNDC_OIDC_LABEL")]
    oidc_label: Option<String>,
    /// PEM file with an authority's certificates, by which the provider is believed besides those that this host trusts
    #[arg(long, value_name = "FILE", env = "HCNDC_OIDC_CA")]
    oidc_ca: Option<PathBuf>,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutsideError {
    #[error("{flag}: cannot read {}: {source}", path.display())]
    File {
        flag: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{flag}: {} is empty", path.display())]
    Empty { flag: &'static str, path: PathBuf },
    #[error("--ldap-url {url}: ldap://HOST or ldaps://HOST is wanted")]
    Url { url: String },
    #[error("{flag} {filter}: a filter in brackets with {wanted} is wanted, such as {example}")]
    Filter {
        flag: &'static str,
        filter: String,
        wanted: &'static str,
        example: &'static str,
    },
    #[error(
        "--ldap-bind-dn: a name needs its password: --ldap-bind-password-file or {BIND_PASSWORD}"
    )]
    NoPassword,
    #[error("{flag}: newcomers are refused, and get no roles; let them in with {remedy} create")]
    RolesOfNobody {
        flag: &'static str,
        remedy: &'static str,
    },
}

impl OutsideError {
    pub(super) fn message(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        match self {
            Self::File { flag, path, source } => {
                format!("{flag}：无法读取 {}：{source}", path.display())
            }
            Self::Empty { flag, path } => format!("{flag}：{} 是空的", path.display()),
            Self::Url { url } => format!("--ldap-url {url}：应为 ldap://主机 或 ldaps://主机"),
            Self::Filter {
                flag,
                filter,
                wanted,
                example,
            } => format!("{flag} {filter}：应为带括号且含 {wanted} 的过滤器，如 {example}"),
            Self::NoPassword => format!(
                "--ldap-bind-dn：还需要其密码：--ldap-bind-password-file 或 {BIND_PASSWORD}"
            ),
            Self::RolesOfNobody { flag, remedy } => {
                format!("{flag}：新来者被拒绝，不会得到角色；如要接纳请用 {remedy} create")
            }
        }
    }
}

/// A secret in a file, else in a variable.
fn secret(
    flag: &'static str,
    file: Option<&Path>,
    variable: &str,
) -> Result<Option<Secret>, OutsideError> {
    let text = match file {
        Some(path) => {
            let path = path.to_owned();
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(source) => return Err(OutsideError::File { flag, path, source }),
            };
            if text.trim().is_empty() {
                return Err(OutsideError::Empty { flag, path });
            }
            Some(text)
        }
        None => std::env::var(variable).ok(),
    };
    let text = text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
    Ok(text.filter(|text| !text.is_empty()).map(Secret::new))
}

fn rules(
    roles: &[RoleOfGroup],
    newcomers: NewcomersName,
    of_newcomers: &[String],
    [flag, remedy]: [&'static str; 2],
) -> Result<Rules, OutsideError> {
    let newcomers = match newcomers {
        NewcomersName::Create => Newcomers::Create {
            roles: of_newcomers.to_vec(),
        },
        NewcomersName::Refuse if of_newcomers.is_empty() => Newcomers::Refuse,
        NewcomersName::Refuse => return Err(OutsideError::RolesOfNobody { flag, remedy }),
    };
    Ok(Rules {
        roles: roles.to_vec(),
        newcomers,
    })
}

impl LdapArgs {
    /// As arguments and environment say; `None` without a directory.
    pub(super) fn settings(&self) -> Result<Option<LdapSettings>, OutsideError> {
        let (Some(url), Some(base)) = (&self.ldap_url, &self.ldap_base) else {
            return Ok(None);
        };
        let host = url
            .strip_prefix("ldap://")
            .or_else(|| url.strip_prefix("ldaps://"));
        let parsed = reqwest::Url::parse(url);
        if host.is_none_or(str::is_empty) || parsed.is_err() {
            return Err(OutsideError::Url { url: url.clone() });
        }
        let in_brackets = |filter: &str| filter.starts_with('(') && filter.ends_with(')');
        if !in_brackets(&self.ldap_filter) || !self.ldap_filter.contains(ACCOUNT) {
            return Err(OutsideError::Filter {
                flag: "--ldap-filter",
                filter: self.ldap_filter.clone(),
                wanted: ACCOUNT,
                example: "(uid={account})",
            });
        }
        if let Some(filter) = &self.ldap_group_filter
            && !in_brackets(filter)
        {
            return Err(OutsideError::Filter {
                flag: "--ldap-group-filter",
                filter: filter.clone(),
                wanted: "{dn}",
                example: "(member={dn})",
            });
        }
        let file = self.ldap_bind_password_file.as_deref();
        let password = secret("--ldap-bind-password-file", file, BIND_PASSWORD)?;
        // Without a password a directory would take the name for nobody's, and say yes.
        if self.ldap_bind_dn.is_some() && password.is_none() {
            return Err(OutsideError::NoPassword);
        }
        Ok(Some(LdapSettings {
            url: url.clone(),
            insecure: self.ldap_insecure,
            authority: self.ldap_ca.clone(),
            bind_dn: self.ldap_bind_dn.clone(),
            bind_password: password.unwrap_or_default(),
            base: base.clone(),
            filter: self.ldap_filter.clone(),
            account_attribute: self.ldap_account_attribute.clone(),
            name_attribute: self.ldap_name_attribute.clone(),
            group_attribute: self.ldap_group_attribute.clone(),
            group_filter: self.ldap_group_filter.clone(),
            group_base: self.ldap_group_base.clone(),
            rules: rules(
                &self.ldap_role,
                self.ldap_newcomers,
                &self.ldap_newcomer_role,
                ["--ldap-newcomer-role", "--ldap-newcomers"],
            )?,
        }))
    }
}

impl OidcArgs {
    /// As arguments and environment say; `None` without a provider.
    pub(super) fn settings(&self) -> Result<Option<OidcSettings>, OutsideError> {
        let (Some(issuer), Some(client_id)) = (&self.oidc_issuer, &self.oidc_client_id) else {
            return Ok(None);
        };
        let file = self.oidc_client_secret_file.as_deref();
        let scopes = self.oidc_scope.iter().map(|scope| scope.trim().to_owned());
        Ok(Some(OidcSettings {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret: secret("--oidc-client-secret-file", file, CLIENT_SECRET)?,
            scopes: scopes.filter(|scope| !scope.is_empty()).collect(),
            account_claim: self.oidc_account_claim.clone(),
            name_claim: self.oidc_name_claim.clone(),
            group_claim: self.oidc_group_claim.clone(),
            label: self.oidc_label.clone().filter(|label| !label.is_empty()),
            authority: self.oidc_ca.clone(),
            rules: rules(
                &self.oidc_role,
                self.oidc_newcomers,
                &self.oidc_newcomer_role,
                ["--oidc-newcomer-role", "--oidc-newcomers"],
            )?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Both {
        #[command(flatten)]
        ldap: LdapArgs,
        #[command(flatten)]
        oidc: OidcArgs,
    }

    fn directory(more: &[&str]) -> Result<LdapSettings, String> {
        let usual = [
            "it",
            "--ldap-url",
            "ldap://d.example.com",
            "--ldap-base",
            "dc=x",
        ];
        let both = Both::try_parse_from([&usual[..], more].concat());
        let settings = both.map_err(|error| error.to_string())?.ldap.settings();
        settings
            .map_err(|error| error.to_string())
            .map(Option::unwrap)
    }

    #[test]
    fn settings_of_a_directory_are_checked_before_it_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "s3cret\n").unwrap();
        let file = file.to_str().unwrap();
        let good = directory(&[
            "--ldap-bind-dn",
            "cn=s",
            "--ldap-bind-password-file",
            file,
            "--ldap-role",
            "cn=a,dc=x=admin",
            "--ldap-newcomers",
            "create",
            "--ldap-newcomer-role",
            "viewer",
        ]);
        let good = good.unwrap();
        assert_eq!(good.bind_password.reveal(), "s3cret");
        assert!(!format!("{good:?}").contains("s3cret"));
        assert_eq!(good.rules.roles[0].group, "cn=a,dc=x");
        for (arguments, told) in [
            (
                &["--ldap-filter", "(uid=ann)"][..],
                "--ldap-filter (uid=ann)",
            ),
            (
                &["--ldap-filter", "uid={account}"],
                "--ldap-filter uid={account}",
            ),
            (
                &["--ldap-group-filter", "member"],
                "--ldap-group-filter member",
            ),
            (
                &["--ldap-bind-password-file", "/nowhere"],
                "--ldap-bind-password-file: cannot read",
            ),
            (
                &["--ldap-newcomer-role", "viewer"],
                "--ldap-newcomer-role: newcomers are refused",
            ),
            (&["--ldap-role", "admins"], "GROUP=ROLE is wanted"),
        ] {
            let error = directory(arguments).unwrap_err();
            assert!(error.contains(told), "{arguments:?}: {error}");
        }
        Both::try_parse_from(["it", "--ldap-url", "ldap://d"]).unwrap_err();
        let other = Both::try_parse_from(["it", "--ldap-url", "http://d", "--ldap-base", "dc=x"]);
        other.unwrap().ldap.settings().unwrap_err();
    }

    #[test]
    fn settings_of_a_provider_have_their_defaults() {
        let both = Both::parse_from(["it", "--oidc-issuer", "https://s", "--oidc-client-id", "h"]);
        let provider = both.oidc.settings().unwrap().unwrap();
        assert_eq!(provider.scopes, ["profile", "email"]);
        assert_eq!(provider.account_claim, "preferred_username");
        assert!(both.ldap.settings().unwrap().is_none());
        Both::try_parse_from(["it", "--oidc-issuer", "https://s"]).unwrap_err();
    }
}
