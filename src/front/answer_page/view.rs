//! What the page says: the meeting in words, the form, and what is wrong with what was sent.

use askama::Template;

use crate::front::page::Frame;
use crate::ical::itip::attendance::{AskedOccurrence, MAX_REMARK_CHARS};
use crate::ical::itip::occurrence::Occurrence;
use crate::ical::occasion::LinkedFile;
use crate::message::text;
use crate::model::path::decode;
use crate::tree::scheduling::links::{LinkState, LinkedMeeting, state_of};
use crate::wording::{one_line, organizer, readable, repeats, title, when};

/// The answers: as the form calls them, and as PARTSTAT does.
const ANSWERS: [(&str, &str); 3] = [("accepted", "ACCEPTED"), ("tentative", "TENTATIVE"), ("declined", "DECLINED")];
/// What the series, or what occurs once, is called in the form.
const SERIES: &str = "series";

/// What is wrong with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Problem {
    /// None was chosen.
    NoAnswer,
    /// What was written with it is too long.
    LongComment,
    /// The meeting is no more what was answered to.
    Changed,
}

impl Problem {
    /// Its sentence, and the field to go on with.
    fn key_and_field(self) -> [&'static str; 2] {
        match self {
            Self::NoAnswer => ["answer-none", "answer-accepted"],
            Self::LongComment => ["answer-long-comment", "comment"],
            Self::Changed => ["answer-changed", "content"],
        }
    }
}

/// What an answer is about: which occurrence, in which state.
pub(super) struct ChosenScope {
    pub occurrence: Occurrence,
    pub state: String,
}

/// What somebody has filled in, or a link has chosen for them.
#[derive(Clone, Debug)]
pub(super) struct AnswerForm {
    pub answer: Option<String>,
    pub scope: Option<String>,
    pub comment: Option<String>,
    pub problem: Option<Problem>,
}

impl AnswerForm {
    /// The answer that is chosen, as PARTSTAT writes it.
    pub fn participation(&self) -> Option<&'static str> {
        ANSWERS.iter().find(|(name, _)| self.answer.as_deref() == Some(name)).map(|(_, partstat)| *partstat)
    }

    /// What the answer is about, as [`scope_value`] writes it.
    pub fn chosen_scope(&self) -> Option<ChosenScope> {
        let (which, state) = self.scope.as_deref()?.split_once('.')?;
        Some(ChosenScope { occurrence: occurrence_of(which)?, state: state.to_owned() })
    }

    /// The occurrence that is chosen, in whatever state.
    fn occurrence(&self) -> Option<Occurrence> {
        occurrence_of(self.scope.as_deref()?.split('.').next()?)
    }

    /// What a link to the same page in another language keeps of it.
    pub fn kept(&self) -> String {
        let answer = ANSWERS.iter().find(|(name, _)| self.answer.as_deref() == Some(name));
        let answer = answer.map(|(name, _)| format!("&answer={name}")).unwrap_or_default();
        answer + &self.occurrence().map(scope_query).unwrap_or_default()
    }
}

fn occurrence_of(which: &str) -> Option<Occurrence> {
    if which == SERIES { Some(Occurrence::Series) } else { which.parse().ok().map(Occurrence::At) }
}

fn name_of(occurrence: Occurrence) -> String {
    match occurrence {
        Occurrence::Series => SERIES.to_owned(),
        Occurrence::At(at) => at.to_string(),
    }
}

/// What the address of the page says so that an occurrence is chosen; nothing for the series, which is anyway.
pub(super) fn scope_query(occurrence: Occurrence) -> String {
    match occurrence {
        Occurrence::Series => String::new(),
        Occurrence::At(at) => format!("&occurrence={at}"),
    }
}

/// How the form calls what is answered to.
fn scope_value(invitation: &AskedOccurrence) -> String {
    format!("{}.{}", name_of(invitation.occurrence), state_of(invitation))
}

/// The page.
#[derive(Template)]
#[template(path = "answer.html")]
pub(super) struct AnswerTemplate<'a> {
    frame: &'a Frame,
    title: String,
    heading: String,
    problem: Option<FieldProblem>,
    notice: Option<String>,
    lead: Option<String>,
    facts: Vec<Fact>,
    text: String,
    files: Vec<FileLink>,
    dates: Vec<DateRow>,
    dates_summary: String,
    has_more: bool,
    form: Option<FormView>,
}

struct FieldProblem {
    field: &'static str,
    text: String,
}

struct Fact {
    label: String,
    value: String,
}

struct FileLink {
    href: String,
    name: String,
}

struct DateRow {
    when: String,
    place: String,
    answer: String,
}

struct FormView {
    action: String,
    token: String,
    scopes: Vec<ChoiceView>,
    answers: Vec<ChoiceView>,
    comment: String,
    comment_label: String,
    comment_max: usize,
    faulty: &'static str,
    fault: String,
}

impl FormView {
    fn is_faulty(&self, field: &str) -> bool {
        self.faulty == field
    }
}

struct ChoiceView {
    value: String,
    text: String,
    is_chosen: bool,
}

/// What the page is made of.
pub(super) struct AnswerView<'a> {
    pub frame: &'a Frame,
    pub meeting: &'a LinkedMeeting,
    pub form: &'a AnswerForm,
    /// Does it follow an answer?
    pub is_saved: bool,
    /// Where the form goes.
    pub action: String,
    /// What it bears against forgery.
    pub token: String,
    /// What addresses of ours begin with.
    pub public_url: Option<&'a str>,
}

impl<'a> AnswerView<'a> {
    fn say(&self, key: &str) -> String {
        self.frame.say(key)
    }

    /// What the form is about at first: what was chosen, else the series.
    fn chosen(&self) -> Option<&'a AskedOccurrence> {
        let named = self.form.occurrence().and_then(|occurrence| self.meeting.attendance.get(occurrence));
        named.or_else(|| self.meeting.attendance.all().next())
    }

    pub fn template(&self) -> AnswerTemplate<'a> {
        let is_open = self.meeting.state == LinkState::Open;
        let about = self.meeting.attendance.all().next();
        let called = about.map(|about| title(&about.occasion, self.frame.language));
        let heading = called.unwrap_or_else(|| self.say("answer-off-heading"));
        let state = self.state_key();
        let problem = self.form.problem.map(|problem| {
            let [key, field] = problem.key_and_field();
            FieldProblem { field, text: self.sentence(key) }
        });
        let said = text(self.frame.language, &format!("{state}-title"), &[("name", heading.clone())]);
        let title = match &problem {
            Some(_) => text(self.frame.language, "page-problem-title", &[("name", said)]),
            None => said,
        };
        let dates = if is_open { self.dates() } else { Vec::new() };
        let number = [("number", dates.len().to_string())];
        AnswerTemplate {
            frame: self.frame,
            title,
            heading,
            problem,
            notice: self.notice(state),
            lead: about.filter(|_| is_open).and_then(|about| self.lead(about)),
            facts: about.map(|about| self.facts(about)).unwrap_or_default(),
            text: about.filter(|_| is_open).map(|about| readable(&about.occasion.description)).unwrap_or_default(),
            files: about.filter(|_| is_open).map(|about| self.files(about)).unwrap_or_default(),
            dates_summary: text(self.frame.language, "answer-dates-summary", &number),
            dates,
            has_more: self.meeting.attendance.has_more,
            form: self.chosen().filter(|_| is_open).map(|chosen| self.form_view(chosen)),
        }
    }

    /// What the page is called by, and says first.
    fn state_key(&self) -> &'static str {
        match self.meeting.state {
            LinkState::Open if self.is_saved => "answer-saved",
            LinkState::Open => match self.chosen().map(|chosen| chosen.answer.as_str()) {
                Some("ACCEPTED" | "TENTATIVE" | "DECLINED") => "answer-given",
                _ => "answer-open",
            },
            LinkState::Over => "answer-over",
            LinkState::Cancelled => "answer-cancelled",
            LinkState::Uninvited => "answer-uninvited",
        }
    }

    fn notice(&self, state: &str) -> Option<String> {
        let answer = self.chosen().map(|chosen| self.answer_word(&chosen.answer)).unwrap_or_default();
        let says_something = state != "answer-open" && self.form.problem.is_none();
        says_something.then(|| text(self.frame.language, &format!("{state}-notice"), &[("text", answer)]))
    }

    fn sentence(&self, key: &str) -> String {
        text(self.frame.language, key, &[("number", MAX_REMARK_CHARS.to_string())])
    }

    /// Who asks: as the meeting names them, else as they are called here.
    fn organizer(&self, about: &AskedOccurrence) -> Option<String> {
        let is_named = about.occasion.organizer.as_ref().is_some_and(|organizer| !organizer.name.is_empty());
        let known = Some(one_line(&self.meeting.organizer)).filter(|name| !name.is_empty() && !is_named);
        known.or_else(|| organizer(&about.occasion))
    }

    fn lead(&self, about: &AskedOccurrence) -> Option<String> {
        let who = self.organizer(about)?;
        Some(text(self.frame.language, "mail-lead-invitation", &[("name", who)]))
    }

    fn facts(&self, about: &AskedOccurrence) -> Vec<Fact> {
        let (occasion, language) = (&about.occasion, self.frame.language);
        let rows = [
            ("mail-when", Some(when(occasion, language))),
            ("mail-repeats", occasion.rule.as_deref().and_then(|rule| repeats(rule, language))),
            ("mail-where", Some(one_line(&occasion.place))),
            ("mail-who", self.organizer(about)),
            ("answer-yours", Some(self.answer_word(&about.answer))),
        ];
        let given = rows.into_iter().filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_empty())?)));
        given.map(|(key, value)| Fact { label: self.say(key), value }).collect()
    }

    /// What somebody has answered, in words.
    fn answer_word(&self, answer: &str) -> String {
        let known = ANSWERS.iter().find(|(_, partstat)| *partstat == answer).map_or("none", |(name, _)| *name);
        self.say(&format!("answer-is-{known}"))
    }

    /// The documents of the meeting that lie on this server: others may lead anywhere.
    fn files(&self, about: &AskedOccurrence) -> Vec<FileLink> {
        let Some(ours) = self.public_url.filter(|url| url.starts_with("https://")) else { return Vec::new() };
        let ours = format!("{}/", ours.trim_end_matches('/'));
        let files = about.occasion.files.iter().filter(|file| file.address.starts_with(&ours));
        let last_segment = |address: &str| {
            let last = address.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            decode(last).unwrap_or_else(|| last.to_owned())
        };
        let name = |file: &LinkedFile| file.name.clone().unwrap_or_else(|| last_segment(&file.address));
        files.map(|file| FileLink { href: file.address.clone(), name: one_line(&name(file)) }).collect()
    }

    fn dates(&self) -> Vec<DateRow> {
        let row = |invitation: &AskedOccurrence| DateRow {
            when: when(&invitation.occasion, self.frame.language),
            place: one_line(&invitation.occasion.place),
            answer: match invitation.is_cancelled {
                true => self.say("answer-is-cancelled"),
                false => self.answer_word(&invitation.answer),
            },
        };
        self.meeting.attendance.occurrences.iter().map(row).collect()
    }

    fn form_view(&self, chosen: &AskedOccurrence) -> FormView {
        let scope = |invitation: &AskedOccurrence| ChoiceView {
            value: scope_value(invitation),
            text: match invitation.occurrence {
                Occurrence::Series => self.say("answer-whole-series"),
                Occurrence::At(_) => {
                    let answer = self.answer_word(&invitation.answer);
                    format!("{} – {answer}", when(&invitation.occasion, self.frame.language))
                }
            },
            is_chosen: invitation.occurrence == chosen.occurrence,
        };
        let answer = |(name, partstat): &(&str, &str)| ChoiceView {
            value: (*name).to_owned(),
            text: self.say(&format!("mail-answer-{name}")),
            is_chosen: match &self.form.answer {
                Some(answer) => answer == name,
                None => chosen.answer == *partstat,
            },
        };
        let problem = self.form.problem.filter(|problem| *problem != Problem::Changed).map(Problem::key_and_field);
        let [key, field] = problem.unwrap_or_default();
        FormView {
            action: self.action.clone(),
            token: self.token.clone(),
            scopes: self.meeting.attendance.all().filter(|one| !one.is_cancelled).map(scope).collect(),
            answers: ANSWERS.iter().map(answer).collect(),
            comment: self.form.comment.clone().unwrap_or_else(|| chosen.remark.clone()),
            comment_label: self.sentence("answer-comment"),
            comment_max: MAX_REMARK_CHARS,
            faulty: field.split('-').next().unwrap_or_default(),
            fault: if key.is_empty() { String::new() } else { self.sentence(key) },
        }
    }
}
