//! `/answer/{token}`: the page on which someone without an account answers an invitation that they were mailed. Whoever
//! has the link answers as its attendee, so nothing of the address is logged or leaves the page. Programs that look at
//! mail follow links: GET and HEAD change nothing.

mod view;

use http::header::{ALLOW, HeaderValue, LOCATION};
use http::{Method, StatusCode};

use self::view::{AnswerForm, Problem};
use crate::exchange::{Body, OpenExchange, Response};
use crate::front::answer::bare;
use crate::front::page::form::Fields;
use crate::front::page::{self, Frame};
use crate::ical::itip::attendance::{ChosenAnswer, MAX_REMARK_CHARS};
use crate::ical::itip::occurrence::Occurrence;
use crate::model::answer_link::AnswerLink;
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::error::{Detail, Error, Refusal, Result};
use crate::model::path::{ANSWER, Path};
use crate::tree::Tree;
use crate::tree::scheduling::links::{LinkOutcome, LinkedMeeting};
use crate::wording::readable;

const METHODS: HeaderValue = HeaderValue::from_static("OPTIONS, GET, HEAD, POST");
/// In the query of the page that follows an answer.
const SAVED: &str = "saved";
/// The fields of the form.
const TOKEN: &str = "csrf";
const CHOICE: &str = "answer";
const OCCURRENCE: &str = "occurrence";
const COMMENT: &str = "comment";

/// The page of a link.
struct AnswerPage<'a> {
    tree: &'a Tree,
    link: AnswerLink,
    token: &'a str,
    public_url: Option<&'a str>,
    frame: Frame,
    budget: Budget,
}

/// Answers a request below `/answer/`. What is refused is a page, too.
pub async fn serve(tree: Tree, exchange: OpenExchange, public_url: Option<String>) -> Result<Response> {
    let frame = Frame::of(&exchange.head);
    match respond(&tree, exchange, public_url.as_deref(), frame.clone()).await {
        Err(Error::Refused(refusal)) => page::refusal(&frame, &refusal),
        answered => answered,
    }
}

async fn respond(tree: &Tree, exchange: OpenExchange, public_url: Option<&str>, frame: Frame) -> Result<Response> {
    let OpenExchange { head, body, budget } = exchange;
    let path = Path::parse(head.uri.path()).map_err(|_| Condition::NotFound)?;
    let [ANSWER, token] = path.segments().iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        return Err(Condition::NotFound.into());
    };
    let link = tree.answer_link(token).ok_or(Condition::NotFound)?;
    // Whoever has the link may ask, so what is asked is nobody's but the meeting's.
    budget.belongs_to(link.event)?;
    let query = Fields::read(head.uri.query().unwrap_or_default());
    let page = AnswerPage { tree, link, token, public_url, frame, budget };
    let meeting = page.meeting().await?;
    match head.method {
        Method::GET | Method::HEAD => page.show(&meeting, &query),
        Method::POST => page.take(&meeting, &Fields::take(&head.headers, body).await?).await,
        Method::OPTIONS => {
            let mut response = bare(StatusCode::OK, Body::Empty);
            response.headers_mut().insert(ALLOW, METHODS);
            Ok(response)
        }
        _ => {
            let allowed = Detail::Allow(METHODS.to_str().unwrap_or_default().to_owned());
            Err(Refusal { detail: allowed, ..Refusal::of(Condition::MethodNotAllowed) }.into())
        }
    }
}

impl AnswerPage<'_> {
    async fn meeting(&self) -> Result<LinkedMeeting> {
        let found = self.tree.linked_meeting(&self.link, &self.budget).await?;
        found.ok_or_else(|| Condition::NotFound.into())
    }

    /// The page as a link opens it; what its query says of an answer is chosen there, and not given.
    fn show(&self, meeting: &LinkedMeeting, query: &Fields) -> Result<Response> {
        let form = self.form(query);
        self.page(StatusCode::OK, meeting, &form, query.get(SAVED).is_some())
    }

    fn form(&self, fields: &Fields) -> AnswerForm {
        let field = |name: &str| fields.get(name).map(str::to_owned);
        AnswerForm { answer: field(CHOICE), scope: field(OCCURRENCE), comment: field(COMMENT), problem: None }
    }

    fn page(&self, status: StatusCode, meeting: &LinkedMeeting, form: &AnswerForm, is_saved: bool) -> Result<Response> {
        let kept = form.kept();
        let frame = self.frame.clone().keeping(&kept);
        let view = view::AnswerView {
            frame: &frame,
            meeting,
            form,
            is_saved,
            action: frame.address(&format!("/{ANSWER}/{}", self.token)),
            token: self.tree.answer_form_token(self.token),
            public_url: self.public_url,
        };
        page::answer(status, &frame, &view.template())
    }

    /// Takes an answer. Nothing is changed by a form that nobody filled in on this page.
    async fn take(&self, meeting: &LinkedMeeting, fields: &Fields) -> Result<Response> {
        if !self.tree.is_answer_form(self.token, fields.get(TOKEN).unwrap_or_default()) {
            return Err(Condition::ForeignOrigin.into());
        }
        let form = self.form(fields);
        let refused = |status: StatusCode, meeting: &LinkedMeeting, problem: Problem| {
            let form = AnswerForm { problem: Some(problem), ..form.clone() };
            self.page(status, meeting, &form, false)
        };
        let Some(participation) = form.participation() else {
            return refused(StatusCode::UNPROCESSABLE_ENTITY, meeting, Problem::NoAnswer);
        };
        let comment = form.comment.as_deref().unwrap_or_default();
        // Browsers send lines as programs of mail end them.
        if comment.replace("\r\n", "\n").chars().count() > MAX_REMARK_CHARS {
            return refused(StatusCode::UNPROCESSABLE_ENTITY, meeting, Problem::LongComment);
        }
        let Some(scope) = form.chosen_scope() else {
            return refused(StatusCode::CONFLICT, meeting, Problem::Changed);
        };
        let chosen = ChosenAnswer {
            occurrence: scope.occurrence,
            participation: participation.to_owned(),
            remark: readable(comment),
            language: self.frame.language.tag().to_owned(),
        };
        match self.tree.answer_by_link(&self.link, &chosen, &scope.state, &self.budget).await? {
            LinkOutcome::Taken => Ok(self.answered(scope.occurrence)),
            LinkOutcome::Changed => refused(StatusCode::CONFLICT, &self.meeting().await?, Problem::Changed),
            LinkOutcome::Unknown => Err(Condition::NotFound.into()),
        }
    }

    /// On to the page that says what stands in the meeting now, so that nothing is sent again by reading it again.
    fn answered(&self, occurrence: Occurrence) -> Response {
        let address = self.frame.address(&format!("/{ANSWER}/{}", self.token));
        let joint = if address.contains('?') { '&' } else { '?' };
        let about = view::scope_query(occurrence);
        let mut response = bare(StatusCode::SEE_OTHER, Body::Empty);
        response.headers_mut().extend(page::guards());
        if let Ok(location) = HeaderValue::from_str(&format!("{address}{joint}{SAVED}=1{about}")) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}
