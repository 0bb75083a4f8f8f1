//! What a mail says in words: what is it about, when, where, and how to answer; in plain text and in HTML.

use crate::ical::invitation::MailableMessage;
use crate::ical::itip::message::SchedulingMethod;
use crate::ical::occasion::LinkedFile;
use crate::message::{Language, text};
use crate::wording::{one_line, organizer, readable, repeats, title, when};

/// What of a message is said in words.
pub(super) struct Words {
    /// The subject.
    pub subject: String,
    /// The body as plain text.
    pub plain: String,
    /// The body as HTML.
    pub html: String,
}

/// How someone answered, which is what an answer is called by.
fn answer(invitation: &MailableMessage) -> &'static str {
    const ANSWERS: [&str; 3] = ["ACCEPTED", "DECLINED", "TENTATIVE"];
    let unfolded = invitation.text.replace("\r\n ", "");
    let stated = ANSWERS.iter().find(|answer| unfolded.contains(&format!(";PARTSTAT={answer}")));
    match stated {
        Some(&"ACCEPTED") => "accepted",
        Some(&"DECLINED") => "declined",
        _ => "tentative",
    }
}

/// The part of the keys of sentences that says what a message is.
fn sort(invitation: &MailableMessage, is_update: bool) -> &'static str {
    match invitation.method {
        SchedulingMethod::Cancel => "cancelled",
        SchedulingMethod::Reply => answer(invitation),
        SchedulingMethod::Publish => "documents",
        _ if is_update => "update",
        _ => "invitation",
    }
}

/// What a message is about, on a line.
pub(super) fn line(invitation: &MailableMessage, language: Language, is_update: bool) -> String {
    let (occasion, sort) = (&invitation.occasion, sort(invitation, is_update));
    let name = title(occasion, language);
    let subject = text(language, &format!("mail-subject-{sort}"), &[("name", name)]);
    format!("{subject} ({})", when(occasion, language))
}

/// What is said of messages that are held back, of each what it is about.
pub(super) fn digest_words(listed: &[String], language: Language) -> Words {
    let say = |key: &str| text(language, key, &[("number", listed.len().to_string())]);
    let (subject, lead) = (say("mail-digest-subject"), say("mail-digest-lead"));
    let texts = listed.iter().filter(|line| !line.is_empty()).cloned().collect();
    let none = String::new;
    let page = MailText {
        language,
        title: subject.clone(),
        lead,
        rows: Vec::new(),
        texts,
        files: Vec::new(),
        documents: none(),
        links: Vec::new(),
        ask: none(),
    };
    Words { subject, plain: page.plain(), html: page.html() }
}

/// What is said of a message in a language; `who` sends it, `answer_url` is where one answers without an account.
pub(super) fn words(
    invitation: &MailableMessage,
    who: &str,
    language: Language,
    is_update: bool,
    answer_url: Option<&str>,
) -> Words {
    let (occasion, sort) = (&invitation.occasion, sort(invitation, is_update));
    let say = |key: &str| text(language, key, &[]);
    let title = title(occasion, language);
    let subject = text(language, &format!("mail-subject-{sort}"), &[("name", title.clone())]);
    let lead = text(language, &format!("mail-lead-{sort}"), &[("name", who.to_owned())]);
    let mut rows = vec![(say("mail-when"), when(occasion, language))];
    rows.extend(
        occasion.rule.as_deref().and_then(|rule| repeats(rule, language)).map(|rule| (say("mail-repeats"), rule)),
    );
    let given = [("mail-where", Some(one_line(&occasion.place))), ("mail-who", organizer(occasion))];
    rows.extend(
        given.into_iter().filter_map(|(key, value)| Some((say(key), value.filter(|value| !value.is_empty())?))),
    );
    let texts: Vec<String> = [&occasion.comment, &occasion.description]
        .into_iter()
        .map(|text| readable(text))
        .filter(|text| !text.is_empty())
        .collect();
    let files = occasion.files.iter().map(FileWords::of).collect();
    let about = occasion.occurrence.map(|at| format!("&occurrence={at}")).unwrap_or_default();
    let links: Vec<AnswerButton> = match (invitation.method, answer_url) {
        (SchedulingMethod::Request, Some(url)) => ["accepted", "tentative", "declined"]
            .map(|answer| AnswerButton {
                label: say(&format!("mail-answer-{answer}")),
                url: format!("{url}?answer={answer}{about}"),
            })
            .into(),
        _ => Vec::new(),
    };
    let page = MailText {
        language,
        title,
        lead,
        rows,
        texts,
        files,
        documents: say("mail-documents"),
        links,
        ask: say("mail-answer"),
    };
    Words { subject, plain: page.plain(), html: page.html() }
}

/// A file that is linked to; what nobody has named is called by its address.
struct FileWords {
    name: Option<String>,
    address: String,
}

impl FileWords {
    fn of(file: &LinkedFile) -> Self {
        let name = file.name.as_deref().map(one_line).filter(|name| !name.is_empty());
        Self { name, address: one_line(&file.address) }
    }
}

struct AnswerButton {
    label: String,
    url: String,
}

/// What is said, before it has a form.
struct MailText {
    language: Language,
    title: String,
    lead: String,
    rows: Vec<(String, String)>,
    texts: Vec<String>,
    files: Vec<FileWords>,
    documents: String,
    links: Vec<AnswerButton>,
    ask: String,
}

impl MailText {
    fn plain(&self) -> String {
        let mut out = format!("{}\n\n{}\n\n", self.lead, self.title);
        let space = if self.language == Language::French { "\u{a0}" } else { "" };
        self.rows.iter().for_each(|(label, value)| out += &format!("{label}{space}: {value}\n"));
        self.texts.iter().for_each(|text| out += &format!("\n{text}\n"));
        if !self.files.is_empty() {
            out += &format!("\n{}{space}:\n", self.documents);
            for FileWords { name, address } in &self.files {
                let name = name.as_ref().map(|name| format!("{name}{space}: ")).unwrap_or_default();
                out += &format!("{name}{address}\n");
            }
        }
        if !self.links.is_empty() {
            out += &format!("\n{}\n", self.ask);
            self.links
                .iter()
                .for_each(|link| out += &format!("{label}{space}: {url}\n", label = link.label, url = link.url));
        }
        out
    }

    fn html(&self) -> String {
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n\
             <p>{}</p>\n<h1>{title}</h1>\n<table>\n",
            self.language.tag(),
            escaped(&self.lead),
            title = escaped(&self.title),
        );
        for (label, value) in &self.rows {
            out += &format!(
                "<tr><th scope=\"row\" align=\"left\">{}</th><td>{}</td></tr>\n",
                escaped(label),
                escaped(value)
            );
        }
        out += "</table>\n";
        self.texts.iter().for_each(|text| out += &format!("<p>{}</p>\n", escaped(text).replace('\n', "<br>\n")));
        if !self.files.is_empty() {
            out += &format!("<p>{}</p>\n<ul>\n", escaped(&self.documents));
            for FileWords { name, address } in &self.files {
                let shown = name.as_ref().unwrap_or(address);
                out += &format!("<li><a href=\"{}\">{}</a></li>\n", escaped(address), escaped(shown));
            }
            out += "</ul>\n";
        }
        if !self.links.is_empty() {
            out += &format!("<p>{}</p>\n<p>", escaped(&self.ask));
            let links = self
                .links
                .iter()
                .map(|link| format!("<a href=\"{}\">{}</a>", escaped(&link.url), escaped(&link.label)));
            out += &links.collect::<Vec<_>>().join(" &nbsp; ");
            out += "</p>\n";
        }
        out + "</body>\n</html>\n"
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
