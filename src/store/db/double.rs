//! A database in front of another, for tests: it records what goes to it, round trip by round trip, and lets statements
//! fail.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Adapter, Answer, Argument, Columns, Control, Pipeline, Row, Session};
use crate::model::error::{Cause, Failure};
use crate::store::counters::Counters;
use crate::store::data_directory::DataDirectory;

/// A part of a pipeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordedStep {
    /// A step of a transaction.
    Control(Control),
    /// A statement.
    Statement(&'static str),
}

#[derive(Default)]
struct Acts {
    trips: Vec<Vec<RecordedStep>>,
    /// Reading connections that were opened, those of them on which a statement failed, and how often one of these was
    /// used again.
    readers: usize,
    broken: Vec<usize>,
    reused: usize,
    failing: Option<(usize, String, Cause)>,
}

/// What is to happen, and what has.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<Acts>>);

impl Script {
    fn acts(&self) -> std::sync::MutexGuard<'_, Acts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The `place`-th statement from now on, from 0, whose text holds these words fails, with nothing of its round trip
    /// run.
    pub fn fail(&self, place: usize, words: &str, cause: Cause) {
        self.acts().failing = Some((place, words.to_owned(), cause));
    }

    /// Is a failure still to come?
    pub fn is_pending(&self) -> bool {
        self.acts().failing.is_some()
    }

    /// The round trips since this was called last.
    pub fn trips(&self) -> Vec<Vec<RecordedStep>> {
        std::mem::take(&mut self.acts().trips)
    }

    /// How often a reading connection was used again after a statement failed on it.
    pub fn reused(&self) -> usize {
        self.acts().reused
    }

    /// Records a round trip; does it fail?
    fn take(&self, reader: Option<usize>, steps: &[RecordedStep]) -> Result<(), Failure> {
        let mut acts = self.acts();
        let acts = &mut *acts;
        acts.trips.push(steps.to_vec());
        acts.reused += usize::from(reader.is_some_and(|reader| acts.broken.contains(&reader)));
        let Some((place, words, cause)) = &mut acts.failing else { return Ok(()) };
        for step in steps {
            if matches!(step, RecordedStep::Statement(sql) if sql.contains(words.as_str())) {
                if *place == 0 {
                    let cause = *cause;
                    acts.failing = None;
                    acts.broken.extend(reader);
                    return Err(Failure::new("a statement of a test", "it fails").by(cause));
                }
                *place -= 1;
            }
        }
        Ok(())
    }
}

/// A database in front of another.
pub struct Double<A> {
    behind: A,
    /// What is to happen on its connections.
    pub script: Script,
}

/// A connection in front of another.
pub struct Front<S> {
    behind: S,
    /// Which it is of those that read.
    reader: Option<usize>,
    script: Script,
}

/// A pipeline, and what is in it.
#[derive(Default)]
pub struct Recorded<P> {
    behind: P,
    steps: Vec<RecordedStep>,
}

impl<A: Adapter> Adapter for Double<A> {
    type Session = Front<A::Session>;
    type Revision = A::Revision;
    const FILES: &'static [&'static str] = A::FILES;

    async fn open(
        place: &DataDirectory,
        flush: bool,
        counters: &Arc<Counters>,
    ) -> Result<(Self, Self::Session), Failure> {
        let (behind, session) = A::open(place, flush, counters).await?;
        let script = Script::default();
        Ok((Self { behind, script: script.clone() }, Front { behind: session, reader: None, script }))
    }

    async fn reader(&self) -> Result<Self::Session, Failure> {
        let behind = self.behind.reader().await?;
        let mut acts = self.script.acts();
        acts.readers += 1;
        Ok(Front { behind, reader: Some(acts.readers), script: self.script.clone() })
    }

    fn revision(&self) -> Option<A::Revision> {
        self.behind.revision()
    }

    fn follows(this: &A::Revision, that: &A::Revision) -> bool {
        A::follows(this, that)
    }
}

impl<S: Session> Session for Front<S> {
    type Pipeline = Recorded<S::Pipeline>;

    async fn run(
        &mut self,
        pipeline: Self::Pipeline,
        context: &'static str,
        each: impl FnMut(Answer) + Send,
    ) -> Result<(), Failure> {
        if !pipeline.steps.is_empty() {
            self.script.take(self.reader, &pipeline.steps)?;
        }
        self.behind.run(pipeline.behind, context, each).await
    }

    async fn control(&mut self, control: Control) -> Result<(), Failure> {
        self.script.take(self.reader, &[RecordedStep::Control(control)])?;
        self.behind.control(control).await
    }

    async fn close(self) {
        self.behind.close().await;
    }

    fn read_page<T>(
        answer: &Row,
        context: &'static str,
        read: fn(&mut dyn Columns) -> T,
    ) -> Result<(Vec<T>, usize), Failure> {
        S::read_page(answer, context, read)
    }

    fn is_no_page(failure: &Failure) -> bool {
        S::is_no_page(failure)
    }
}

impl<P: Pipeline> Pipeline for Recorded<P> {
    fn control(&mut self, control: Control) {
        self.steps.push(RecordedStep::Control(control));
        self.behind.control(control);
    }

    fn add(&mut self, sql: &'static str, arguments: &[Argument<'_>]) -> Result<(), Failure> {
        self.steps.push(RecordedStep::Statement(sql));
        self.behind.add(sql, arguments)
    }

    fn is_opening(&self) -> bool {
        self.behind.is_opening()
    }

    fn statements(&self) -> usize {
        self.behind.statements()
    }

    fn is_full(&self) -> bool {
        self.behind.is_full()
    }
}
