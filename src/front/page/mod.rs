//! What pages for people share: their frame, their headers, the language they are in, forms and assets. What a page
//! says stands in `templates/`, which escape all that is put into them.

pub mod assets;
pub mod form;

use askama::Template;
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderValue, VARY};
use http::request::Parts;
use http::{HeaderName, StatusCode};

use self::form::Fields;
use crate::exchange::{Body, Response};
use crate::front::answer::refusal_answer;
use crate::message::{Language, text};
use crate::model::error::{Failure, Refusal, Result};
use crate::wire::header;

/// The field of a query that chooses a language.
const LANGUAGE: &str = "lang";
/// The languages of pages, as those who read them are offered them.
const LANGUAGES: [(Language, &str); 2] = [(Language::French, "Français"), (Language::English, "English")];

/// What browsers may do with a page (CSP level 3): nothing but show it, and send its forms back to us. A referrer is
/// kept for ourselves, for without one browsers hide from us where a form comes from.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src \
         'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
    ),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), usb=()"),
    ("x-robots-tag", "noindex, nofollow"),
];

/// What can be said about a refusal to who reads pages, by its status; all else is said by the first.
const REFUSALS: [(u16, &str); 9] = [
    (400, "page-refused-form"),
    (403, "page-refused-origin"),
    (404, "page-refused-link"),
    (405, "page-refused-method"),
    (408, "page-refused-busy"),
    (413, "page-refused-large"),
    (415, "page-refused-form"),
    (429, "page-refused-often"),
    (503, "page-refused-busy"),
];

/// What stands around a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The language of the page.
    pub language: Language,
    /// Was it chosen by a link?
    is_chosen: bool,
    /// What the links to other languages keep of the query.
    kept: String,
}

/// A link to the same page in a language.
pub struct LanguageLink {
    /// Where.
    pub href: String,
    /// The language.
    pub tag: &'static str,
    /// What it calls itself.
    pub name: &'static str,
    /// Is the page in it?
    pub is_present: bool,
}

impl Frame {
    /// The language that a request chooses by its query, or wants by its headers; French where it wants none of ours.
    #[must_use]
    pub fn of(head: &Parts) -> Self {
        let query = Fields::read(head.uri.query().unwrap_or_default());
        let chosen = query.get(LANGUAGE).unwrap_or_default();
        let chosen = LANGUAGES.iter().map(|(language, _)| *language).find(|language| language.tag() == chosen);
        let wanted = || Language::wanted(&header::text(&head.headers, ACCEPT_LANGUAGE).unwrap_or_default());
        let language = chosen.or_else(wanted).unwrap_or(Language::French);
        Self { language, is_chosen: chosen.is_some(), kept: String::new() }
    }

    /// The same; links to other languages keep this part of the query.
    #[must_use]
    pub fn keeping(mut self, query: &str) -> Self {
        query.clone_into(&mut self.kept);
        self
    }

    /// The tag of the language.
    #[must_use]
    pub fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// A sentence in it.
    #[must_use]
    pub fn say(&self, key: &str) -> String {
        text(self.language, key, &[])
    }

    /// An address with the language that was chosen, if one was.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        if self.is_chosen { format!("{path}?{LANGUAGE}={}", self.tag()) } else { path.to_owned() }
    }

    /// The same page in each language.
    #[must_use]
    pub fn languages(&self) -> Vec<LanguageLink> {
        let link = |(language, name): &(Language, &'static str)| LanguageLink {
            href: format!("?{LANGUAGE}={}{}", language.tag(), self.kept),
            tag: language.tag(),
            name,
            is_present: *language == self.language,
        };
        LANGUAGES.iter().map(link).collect()
    }

    /// Where the style sheet is.
    #[must_use]
    pub fn style(&self) -> &'static str {
        assets::style()
    }

    /// Where the icon is.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        assets::icon()
    }
}

/// A page that is a heading and what to do.
#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    frame: &'a Frame,
    heading: String,
    lines: Vec<String>,
}

/// A page, which nobody keeps: it is for who asked.
pub fn answer(status: StatusCode, frame: &Frame, page: &impl Template) -> Result<Response> {
    let html = page.render().map_err(|error| Failure::new("writing a page", error))?;
    let mut response = http::Response::new(Body::Full(Bytes::from(html)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(frame.tag()));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language"));
    headers.extend(guards());
    Ok(response)
}

/// What all answers of pages say to browsers.
pub fn guards() -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let header = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    HEADERS.into_iter().map(header)
}

/// A refusal as a page: what happened, and what to do.
pub fn refusal(frame: &Frame, refusal: &Refusal) -> Result<Response> {
    let as_program = refusal_answer(refusal, frame.language);
    let status = as_program.status();
    let known = REFUSALS.iter().find(|(known, _)| *known == status.as_u16());
    let key = known.map_or("page-refused-other", |(_, key)| *key);
    let page = MessagePage {
        frame,
        heading: frame.say(key),
        lines: [format!("{key}-do"), "page-refused-help".to_owned()].iter().map(|key| frame.say(key)).collect(),
    };
    let mut response = answer(status, frame, &page)?;
    // Which methods there are, and when to come again.
    for name in [http::header::ALLOW, http::header::RETRY_AFTER] {
        if let Some(value) = as_program.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}
