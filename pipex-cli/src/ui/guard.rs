//! Who may ask. The server listens to this machine only, and still anybody on it can reach it, and so can any page in the
//! user's browser: whatever it does is asked by the page that the user opened with the address that was printed, or it is refused.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::CommandError;
use crate::page::draw_secret;

/// What tells the user's page from all others.
pub struct Guard {
    port: u16,
    /// In the address that was printed, and then in a cookie: needed to see anything.
    key: String,
    /// In the page itself, which no other page can read: needed to change anything; `None` if nothing may be changed.
    token: Option<String>,
}

/// The header that has the token.
pub const TOKEN: HeaderName = HeaderName::from_static("x-pipex-token");

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It was meant for another name, as when the name of a foreign page is made to lead here.
    Host,
    /// A page of another origin has sent it.
    Origin,
    Key,
    ReadOnly,
    Token,
}

impl Refusal {
    pub fn message(self) -> &'static str {
        match self {
            Refusal::Host => "this is served as 127.0.0.1 and under no other name",
            Refusal::Origin => "another page has asked for this",
            Refusal::Key => "open the address that `pipex ui` printed",
            Refusal::ReadOnly => "nothing is changed from here: start `pipex ui --write`",
            Refusal::Token => "the page is of another `pipex ui`: load it again",
        }
    }
}

impl Guard {
    pub fn new(port: u16, writes: bool) -> Result<Self, CommandError> {
        let token = if writes { Some(draw_secret()?) } else { None };
        Ok(Guard { port, key: draw_secret()?, token })
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The cookie that has the key. Cookies are those of all ports, so it is named for this one.
    pub fn cookie(&self) -> String {
        format!("pipex-{}={}; Path=/; HttpOnly; SameSite=Strict", self.port, self.key)
    }

    /// Whether the first address has the key.
    pub fn is_key(&self, key: &str) -> bool {
        is_same(key, &self.key)
    }

    /// Refuses what does not come from here.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let is_own = |host: &str| [self.host("127.0.0.1"), self.host("localhost")].iter().any(|own| own == host);
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if !host.is_some_and(is_own) {
            return Err(Refusal::Host);
        }
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let origins = headers.get_all(header::ORIGIN).iter().map(text);
        // The address that was opened: `127.0.0.1` and `localhost` are two origins.
        if !origins.into_iter().all(|origin| origin.strip_prefix("http://") == host) {
            return Err(Refusal::Origin);
        }
        let site = headers.get("sec-fetch-site").map(text);
        let is_foreign = site.is_some_and(|site| !matches!(site.as_str(), "same-origin" | "none"));
        if is_foreign { Err(Refusal::Origin) } else { Ok(()) }
    }

    /// Refuses who has not opened the address that was printed.
    pub fn check_key(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let name = format!("pipex-{}=", self.port);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
        let mut keys =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().strip_prefix(&name));
        if keys.any(|key| self.is_key(key)) { Ok(()) } else { Err(Refusal::Key) }
    }

    /// Refuses what would change something, and is not asked by the page.
    pub fn check_token(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        if matches!(*method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        let token = self.token.as_ref().ok_or(Refusal::ReadOnly)?;
        // Browsers send it with all that is no GET.
        if !headers.contains_key(header::ORIGIN) {
            return Err(Refusal::Origin);
        }
        let given = headers.get(TOKEN).and_then(|given| given.to_str().ok());
        if given.is_some_and(|given| is_same(given, token)) { Ok(()) } else { Err(Refusal::Token) }
    }

    fn host(&self, name: &str) -> String {
        format!("{name}:{}", self.port)
    }
}

/// Whether these are the same, in a time that does not tell how far they are.
fn is_same(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).fold(0, |differing, (one, other)| differing | (one ^ other));
    one.len() == other.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        given.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_page_itself_may_ask() {
        let guard = Guard::new(4711, true).unwrap();
        let check = |given: &[(&'static str, &str)]| guard.check_origin(&headers(given));
        assert_eq!(check(&[("host", "127.0.0.1:4711")]), Ok(()));
        assert_eq!(check(&[("host", "localhost:4711"), ("origin", "http://localhost:4711")]), Ok(()));
        for host in
            ["", "evil.example", "evil.example:4711", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:4711.evil.example"]
        {
            assert_eq!(check(&[("host", host)]), Err(Refusal::Host), "{host}");
        }
        for origin in
            ["null", "http://evil.example", "http://localhost:4711", "https://127.0.0.1:4711", "http://127.0.0.1:80"]
        {
            assert_eq!(check(&[("host", "127.0.0.1:4711"), ("origin", origin)]), Err(Refusal::Origin), "{origin}");
        }
        assert_eq!(check(&[("host", "127.0.0.1:4711"), ("sec-fetch-site", "cross-site")]), Err(Refusal::Origin));
        assert_eq!(check(&[("host", "127.0.0.1:4711"), ("sec-fetch-site", "same-site")]), Err(Refusal::Origin));
    }

    #[test]
    fn to_see_needs_the_key_and_to_change_the_token_as_well() {
        let guard = Guard::new(4711, true).unwrap();
        let cookie = format!("other=1; pipex-4711={}", guard.key());
        assert_eq!(guard.check_key(&headers(&[("cookie", &cookie)])), Ok(()));
        let wrong = format!("pipex-4712={0}; pipex-4711={0}x; pipex-4711=", guard.key());
        assert_eq!(guard.check_key(&headers(&[("cookie", &wrong)])), Err(Refusal::Key));
        let origin = ("origin", "http://127.0.0.1:4711");
        let check = |given: &[(&'static str, &str)]| guard.check_token(&Method::POST, &headers(given));
        let token = guard.token().unwrap();
        assert_eq!(check(&[origin, ("x-pipex-token", token)]), Ok(()));
        assert_eq!(check(&[("x-pipex-token", token)]), Err(Refusal::Origin));
        assert_eq!(check(&[origin, ("x-pipex-token", guard.key())]), Err(Refusal::Token));
        assert_eq!(check(&[origin]), Err(Refusal::Token));
        let only_shows = Guard::new(4711, false).unwrap();
        let asked = headers(&[origin, ("x-pipex-token", "")]);
        assert_eq!(only_shows.check_token(&Method::POST, &asked), Err(Refusal::ReadOnly));
        assert_eq!(only_shows.check_token(&Method::GET, &asked), Ok(()));
    }
}
