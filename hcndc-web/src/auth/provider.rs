//! Sign-in by OpenID Connect: the browser goes to the provider and comes back with a code, which this server exchanges for a
//! token that says who it is.
//!
//! ```text
//! browser ──► start: state, nonce, verifier kept ──► provider ──► callback: state, code ──► token, checked ──► person
//! ```
//!
//! The library checks the token: signature by the provider's keys, issuer, audience, time, nonce.

use std::{
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use hcndc_core::{model::Secret, port::Origin};
use hcndc_exec::trust;
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthType, AuthenticationFlow, AuthorizationCode,
    ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields,
    IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse as _, UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::outside::{Person, Rules};
use crate::causes::with_causes;

/// How long an answer of the provider may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer at most.
const MOST: usize = 1 << 20;
/// How long it is believed what the provider says of itself, and its keys.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// A key that is not known is looked for anew, but not more often than this.
const AGAIN: Duration = Duration::from_secs(30);

/// A provider, and how people are told from what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSettings {
    /// Its address, exactly as it writes it in its tokens.
    pub issuer: String,
    /// What this server is called there.
    pub client_id: String,
    /// What proves that it is; `None` for a public client.
    pub client_secret: Option<Secret>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim with what a person is to be called here.
    pub account_claim: String,
    /// The claim with a person's name.
    pub name_claim: String,
    /// The claim with a person's groups; a dot leads into objects.
    pub group_claim: String,
    /// What stands on the button; `None` for the provider's host.
    pub label: Option<String>,
    /// PEM file of the authority that vouches for the provider, besides those that this host trusts.
    pub authority: Option<PathBuf>,
    /// What people from there may do.
    pub rules: Rules,
}

/// What did not come of a sign-in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The provider does not answer, or not as one does.
    #[error("the provider {issuer} cannot be asked: {reason}")]
    Unavailable {
        /// Which.
        issuer: String,
        /// Why not.
        reason: String,
    },
    /// The provider does not take the code, or this server's secret.
    #[error("the provider {issuer} does not give a token: {reason}")]
    NoToken {
        /// Which.
        issuer: String,
        /// What it says.
        reason: String,
    },
    /// The token is not for this server and this sign-in, or says too little.
    #[error("the token of {issuer} is refused: {reason}")]
    BadToken {
        /// Which.
        issuer: String,
        /// Why.
        reason: String,
    },
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcSettingsError {
    /// The issuer is no address.
    #[error("--oidc-issuer {issuer}: {reason}")]
    Issuer {
        /// What was given.
        issuer: String,
        /// What is wrong.
        reason: String,
    },
    /// The pages' address is none.
    #[error("--base-url {url}: {reason}; the provider sends people back there")]
    BaseUrl {
        /// What was given.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The authority's file cannot be used.
    #[error("--oidc-ca: {0}")]
    Authority(#[from] trust::TlsError),
    /// There is no client.
    #[error("cannot ask a provider: {0}")]
    Client(#[from] reqwest::Error),
}

/// All claims that the library has no field for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Others(Map<String, Value>);

impl AdditionalClaims for Others {}

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
type OurClient = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider.
#[derive(Debug)]
pub struct Provider {
    settings: OidcSettings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    label: String,
    http: reqwest::Client,
    known: Mutex<Option<(Instant, Arc<CoreProviderMetadata>)>>,
}

/// A sign-in that has begun.
pub(crate) struct Begun {
    /// Where the browser goes.
    pub(crate) url: String,
    /// What the provider gives back.
    pub(crate) state: String,
    /// What is needed to end it.
    pub(crate) kept: Kept,
}

/// What is needed to end a sign-in.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    nonce: String,
    verifier: String,
}

impl Provider {
    /// Where the provider sends people back to, below the address of the pages.
    pub(crate) const CALLBACK: &'static str = "/api/v1/session/oidc/callback";

    /// The provider of these settings, for a server whose pages are there; nothing is asked yet.
    ///
    /// # Errors
    /// [`OidcSettingsError`].
    pub fn new(settings: OidcSettings, base_url: &str) -> Result<Self, OidcSettingsError> {
        let wrong = |reason: String| OidcSettingsError::Issuer {
            issuer: settings.issuer.clone(),
            reason,
        };
        let issuer = IssuerUrl::new(settings.issuer.clone());
        let issuer = issuer.map_err(|error| wrong(error.to_string()))?;
        let url = issuer.url();
        let host = url.host_str().unwrap_or_default();
        let is_near = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if url.scheme() != "https" && !(url.scheme() == "http" && is_near) {
            return Err(wrong(
                "an address that begins with https:// is wanted; http:// is for this host only"
                    .to_owned(),
            ));
        }
        let back = format!("{}{}", base_url.trim_end_matches('/'), Self::CALLBACK);
        let redirect = RedirectUrl::new(back).map_err(|error| OidcSettingsError::BaseUrl {
            url: base_url.to_owned(),
            reason: error.to_string(),
        })?;
        let authority = settings
            .authority
            .as_deref()
            .map(|path| path.to_string_lossy());
        let tls = trust::client_config(authority.as_deref())?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            // What a provider redirects to could be anybody's.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("hcndc/", env!("CARGO_PKG_VERSION")));
        let http = if is_near { http.no_proxy() } else { http };
        Ok(Self {
            label: settings.label.clone().unwrap_or_else(|| host.to_owned()),
            http: http.build()?,
            issuer,
            redirect,
            settings,
            known: Mutex::default(),
        })
    }

    /// What stands on the button.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What people from there may do.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.settings.rules
    }

    /// Whether an answer that names its issuer is this provider's (RFC 9207).
    pub(crate) fn is_issuer(&self, issuer: &str) -> bool {
        issuer == self.settings.issuer
    }

    /// Begins a sign-in.
    pub(crate) async fn start(&self) -> Result<Begun, ProviderError> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = self.settings.scopes.iter().cloned().map(Scope::new);
        let (url, state, nonce) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .url();
        Ok(Begun {
            url: url.into(),
            state: state.into_secret(),
            kept: Kept {
                nonce: nonce.secret().clone(),
                verifier: verifier.into_secret(),
            },
        })
    }

    /// Ends a sign-in: who it is that has come back with this code.
    pub(crate) async fn finish(&self, kept: Kept, code: &str) -> Result<Person, ProviderError> {
        let metadata = self.metadata(FRESH).await?;
        let client = self.client(&metadata);
        let ask = self.asking();
        let exchange = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| self.unavailable(with_causes(&error)))?
            .set_pkce_verifier(PkceCodeVerifier::new(kept.verifier));
        let tokens = exchange.request_async(&ask).await.map_err(|error| {
            use openidconnect::RequestTokenError::{Other, Parse, Request, ServerResponse};
            match error {
                ServerResponse(said) => ProviderError::NoToken {
                    issuer: self.settings.issuer.clone(),
                    reason: said.to_string(),
                },
                Request(error) => self.unavailable(with_causes(&error)),
                Parse(error, _) => self.unavailable(format!("its answer makes no sense: {error}")),
                Other(reason) => self.unavailable(reason),
            }
        })?;
        let nonce = Nonce::new(kept.nonce);
        let claims = match self.claims(&client, &tokens, &nonce) {
            // The provider may have taken a new key.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let metadata = self.metadata(AGAIN).await?;
                let client = self.client(&metadata);
                self.claims(&client, &tokens, &nonce)
            }
            claims => claims,
        };
        let mut claims = claims.map_err(|error| self.bad(with_causes(&error)))?;
        let subject = claims.get("sub").and_then(Value::as_str);
        let subject = subject.unwrap_or_default().to_owned();
        // Many providers tell no more than the subject in the token, and the rest when they are asked.
        let wanted = [&self.settings.account_claim, &self.settings.group_claim];
        let lacks = wanted
            .into_iter()
            .any(|name| claim(&claims, name).is_none());
        if lacks && client.user_info_url().is_some() {
            let expected = openidconnect::SubjectIdentifier::new(subject.clone());
            let asked = client
                .user_info(tokens.access_token().clone(), Some(expected))
                .map_err(|error| self.unavailable(with_causes(&error)))?;
            let told: UserInfoClaims<Others, CoreGenderClaim> = asked
                .request_async(&ask)
                .await
                .map_err(|error| self.bad(with_causes(&error)))?;
            for (name, value) in object(&told) {
                claims.entry(name).or_insert(value);
            }
        }
        self.person(&claims, &subject)
    }

    /// What the token says, if it is for this server and this sign-in.
    fn claims(
        &self,
        client: &OurClient,
        tokens: &Tokens,
        nonce: &Nonce,
    ) -> Result<Map<String, Value>, ClaimsVerificationError> {
        let other = |text: &str| ClaimsVerificationError::Other(text.to_owned());
        let token = tokens
            .id_token()
            .ok_or_else(|| other("it gave no ID token; is the scope openid allowed?"))?;
        // A key that the provider shares with this server would do for whoever has the secret.
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(signed_by_keys());
        let claims = token.claims(&verifier, nonce)?;
        if let Some(expected) = claims.access_token_hash() {
            let signed = ClaimsVerificationError::SignatureVerification;
            let actual = AccessTokenHash::from_token(
                tokens.access_token(),
                token.signing_alg().map_err(signed)?,
                token.signing_key(&verifier).map_err(signed)?,
            );
            let actual = actual.map_err(|error| other(&error.to_string()))?;
            if actual != *expected {
                return Err(other("the access token is another sign-in's"));
            }
        }
        Ok(object(claims))
    }

    fn person(&self, claims: &Map<String, Value>, subject: &str) -> Result<Person, ProviderError> {
        let settings = &self.settings;
        let text = |name: &str| {
            claim(claims, name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let account = text(&settings.account_claim).filter(|account| !account.trim().is_empty());
        let account = account.ok_or_else(|| {
            let known: Vec<_> = claims.keys().map(String::as_str).collect();
            self.bad(format!(
                "it has no claim {:?} (--oidc-account-claim), but {}",
                settings.account_claim,
                known.join(", ")
            ))
        })?;
        let unverified = claims.get("email_verified") == Some(&Value::Bool(false));
        if settings.account_claim == "email" && unverified {
            return Err(self.bad("the address of mail is not verified".to_owned()));
        }
        let groups = match claim(claims, &settings.group_claim) {
            Some(Value::String(group)) => vec![group.clone()],
            Some(Value::Array(groups)) => {
                let groups = groups.iter().filter_map(Value::as_str);
                groups.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        Ok(Person {
            origin: Origin::Oidc,
            // Two providers may have the same subject.
            subject: format!("{} {subject}", settings.issuer),
            account,
            name: text(&settings.name_claim).unwrap_or_default(),
            groups,
        })
    }

    /// What the provider says of itself, no older than this.
    async fn metadata(&self, fresh: Duration) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        let mut known = self.known.lock().await;
        if let Some((at, metadata)) = &*known
            && at.elapsed() < fresh
        {
            return Ok(Arc::clone(metadata));
        }
        let ask = self.asking();
        let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &ask).await;
        let found = found.map_err(|error| self.unavailable(with_causes(&error)))?;
        let found = Arc::new(found);
        *known = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> OurClient {
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.reveal().to_owned()));
        let id = ClientId::new(self.settings.client_id.clone());
        let client = Client::from_provider_metadata(metadata.clone(), id, secret)
            .set_redirect_uri(self.redirect.clone());
        let takes = |method| {
            let methods = metadata.token_endpoint_auth_methods_supported();
            methods.is_some_and(|methods| methods.contains(&method))
        };
        let in_body = takes(CoreClientAuthMethod::ClientSecretPost)
            && !takes(CoreClientAuthMethod::ClientSecretBasic);
        client.set_auth_type(match in_body {
            true => AuthType::RequestBody,
            false => AuthType::BasicAuth,
        })
    }

    /// The library's way to the provider.
    fn asking(&self) -> impl Fn(HttpRequest) -> Asked + Send + Sync + 'static + use<> {
        let http = self.http.clone();
        move |request| {
            let http = http.clone();
            Box::pin(async move { ask(&http, request).await })
        }
    }

    fn unavailable(&self, reason: String) -> ProviderError {
        ProviderError::Unavailable {
            issuer: self.settings.issuer.clone(),
            reason,
        }
    }

    fn bad(&self, reason: String) -> ProviderError {
        ProviderError::BadToken {
            issuer: self.settings.issuer.clone(),
            reason,
        }
    }
}

/// Algorithms of signatures that only the provider can make.
fn signed_by_keys() -> [CoreJwsSigningAlgorithm; 9] {
    use CoreJwsSigningAlgorithm as Alg;
    [
        Alg::RsaSsaPkcs1V15Sha256,
        Alg::RsaSsaPkcs1V15Sha384,
        Alg::RsaSsaPkcs1V15Sha512,
        Alg::RsaSsaPssSha256,
        Alg::RsaSsaPssSha384,
        Alg::RsaSsaPssSha512,
        Alg::EcdsaP256Sha256,
        Alg::EcdsaP384Sha384,
        Alg::EdDsa,
    ]
}

/// Why the provider was not asked, or its answer not read.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("its answer is too long")]
    TooLong,
    #[error("its answer is none of HTTP")]
    Senseless,
}

/// An answer that is waited for.
type Asked = Pin<Box<dyn Future<Output = Result<HttpResponse, AskError>> + Send>>;

async fn ask(http: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, AskError> {
    let request = reqwest::Request::try_from(request)?;
    let mut response = http.execute(request).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MOST {
            return Err(AskError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = warp::http::Response::builder().status(status);
    if let Some(theirs) = answer.headers_mut() {
        *theirs = headers;
    }
    answer.body(body).map_err(|_| AskError::Senseless)
}

fn object(claims: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => claims
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect(),
        Ok(_) | Err(_) => Map::new(),
    }
}

/// A claim by its name; a dot leads into objects where no claim has the whole name.
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let mut parts = name.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> OidcSettings {
        OidcSettings {
            issuer: "https://sso.example.com/realms/x".to_owned(),
            client_id: "hcndc".to_owned(),
            client_secret: Some(Secret::new("s")),
            scopes: Vec::new(),
            account_claim: "preferred_username".to_owned(),
            name_claim: "name".to_owned(),
            group_claim: "realm_access.roles".to_owned(),
            label: None,
            authority: None,
            rules: Rules::default(),
        }
    }

    #[test]
    fn people_are_told_from_claims() {
        let provider = Provider::new(settings(), "https://hcndc.example.com/").unwrap();
        let back = "https://hcndc.example.com/api/v1/session/oidc/callback";
        assert_eq!(provider.redirect.as_str(), back);
        assert_eq!(provider.label(), "sso.example.com");
        let person = |claims: Value| {
            let person = provider.person(claims.as_object().unwrap(), "7");
            person.map_err(|error| error.to_string())
        };
        let ann = person(json!({
            "preferred_username": "ann", "name": "Ann", "realm_access": {"roles": ["ops", 1]},
        }));
        let ann = ann.unwrap();
        assert_eq!(ann.subject, "https://sso.example.com/realms/x 7");
        assert_eq!((&*ann.account, &*ann.name), ("ann", "Ann"));
        assert_eq!(ann.groups, ["ops"]);
        let lacking = person(json!({"sub": "7"})).unwrap_err();
        assert!(lacking.contains("preferred_username"), "{lacking}");
        let mut by_mail = settings();
        by_mail.account_claim = "email".to_owned();
        let provider = Provider::new(by_mail, "https://hcndc.example.com").unwrap();
        let claims = json!({"email": "ann@x", "email_verified": false});
        provider
            .person(claims.as_object().unwrap(), "7")
            .unwrap_err();
    }

    /// RFC 8410, section 10.3.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";

    /// What a token says that is right in all.
    fn right() -> Value {
        let now = chrono::Utc::now().timestamp();
        json!({
            "iss": settings().issuer, "aud": ["hcndc"], "sub": "7", "iat": now, "exp": now + 60, "nonce": "n",
            "preferred_username": "ann", "groups": ["ops"],
        })
    }

    /// What comes of a token that says this, signed by the provider's key or by the secret that it shares with us.
    fn verified(claims: Value, by_secret: bool) -> Result<Map<String, Value>, String> {
        use openidconnect::{
            AccessToken, IdToken, JsonWebKeySet, JsonWebKeySetUrl, PrivateSigningKey as _,
            ResponseTypes, TokenUrl,
            core::{CoreEdDsaPrivateSigningKey, CoreHmacKey, CoreSubjectIdentifierType},
        };
        let key = CoreEdDsaPrivateSigningKey::from_ed25519_pem(KEY, None).unwrap();
        let url = |path: &str| format!("https://sso.example.com/{path}");
        let metadata = CoreProviderMetadata::new(
            IssuerUrl::new(settings().issuer).unwrap(),
            openidconnect::AuthUrl::new(url("auth")).unwrap(),
            JsonWebKeySetUrl::new(url("jwks")).unwrap(),
            vec![ResponseTypes::new(vec![CoreResponseType::Code])],
            vec![CoreSubjectIdentifierType::Public],
            vec![
                CoreJwsSigningAlgorithm::EdDsa,
                CoreJwsSigningAlgorithm::HmacSha256,
            ],
            openidconnect::EmptyAdditionalProviderMetadata {},
        )
        .set_token_endpoint(Some(TokenUrl::new(url("token")).unwrap()))
        .set_jwks(JsonWebKeySet::new(vec![key.as_verification_key()]));
        let claims = serde_json::from_value(claims).unwrap();
        let token: IdToken<Others, CoreGenderClaim, _, _> = match by_secret {
            false => IdToken::new(claims, &key, CoreJwsSigningAlgorithm::EdDsa, None, None),
            true => {
                let key = CoreHmacKey::new("s");
                IdToken::new(
                    claims,
                    &key,
                    CoreJwsSigningAlgorithm::HmacSha256,
                    None,
                    None,
                )
            }
        }
        .unwrap();
        let tokens = Tokens::new(
            AccessToken::new("a".to_owned()),
            CoreTokenType::Bearer,
            Fields::new(Some(token), EmptyExtraTokenFields {}),
        );
        let provider = Provider::new(settings(), "https://hcndc.example.com").unwrap();
        let client = provider.client(&metadata);
        let claims = provider.claims(&client, &tokens, &Nonce::new("n".to_owned()));
        claims.map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_is_for_this_server_this_sign_in_and_of_this_provider() {
        let claims = verified(right(), false).unwrap();
        assert_eq!(claims["sub"], "7");
        assert_eq!(claims["groups"], json!(["ops"]));
        for (claim, value, told) in [
            ("aud", json!(["other"]), "Invalid audiences"),
            ("aud", json!(["hcndc", "other"]), "Invalid audiences"),
            ("nonce", json!("m"), "Invalid nonce"),
            ("nonce", json!(null), "Invalid nonce"),
            ("iss", json!("https://evil.example.com"), "Invalid issuer"),
            ("exp", json!(1_000), "Expired"),
        ] {
            let mut wrong = right();
            wrong[claim] = value;
            let error = verified(wrong, false).unwrap_err();
            assert!(error.starts_with(told), "{claim}: {error}");
        }
        let error = verified(right(), true).unwrap_err();
        assert!(error.starts_with("Signature"), "{error}");
    }

    #[test]
    fn a_provider_elsewhere_speaks_tls() {
        let with = |issuer: &str| {
            let issuer = issuer.to_owned();
            let settings = OidcSettings {
                issuer,
                ..settings()
            };
            Provider::new(settings, "http://127.0.0.1:2333").map(drop)
        };
        with("http://127.0.0.1:9").unwrap();
        for issuer in ["http://sso.example.com", "sso", "ftp://localhost"] {
            let error = with(issuer).unwrap_err().to_string();
            assert!(error.starts_with("--oidc-issuer"), "{error}");
        }
    }
}
