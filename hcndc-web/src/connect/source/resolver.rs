//! The port's adapter: asks, and shares what was answered among the jobs of an execution.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures_util::future::join_all;
use hcndc_core::{
    engine::{ParamAsk, ResolveError, ResolveErrorKind, ResolveOrder},
    id::{AttemptId, DataSourceId, ExecutionId, JobRunId, ParamId},
    model::{DataSource, Definition},
    port::{History, ParamResolver},
};
use tokio::{
    runtime::Handle,
    sync::{OnceCell, mpsc},
    task::AbortHandle,
};

use super::{
    AskError,
    pool::Pools,
    query::{self, QueryError},
    row::Row,
};
use crate::causes::with_causes;

/// Executions whose answers are kept: more than run at once where it matters.
const EXECUTIONS: usize = 1_000;

/// What came of an order.
type Answer = (AttemptId, Result<BTreeMap<ParamId, String>, ResolveError>);

/// Asks data sources as the store has them.
pub struct Asking {
    shared: Arc<Shared>,
    runtime: Handle,
    answers: tokio::sync::Mutex<mpsc::UnboundedReceiver<Answer>>,
    tells: mpsc::UnboundedSender<Answer>,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

struct Shared {
    sources: Arc<dyn Sources>,
    pools: Arc<Pools>,
    kept: Mutex<Kept>,
}

/// Where data sources are looked up.
#[async_trait]
pub trait Sources: Send + Sync {
    /// A data source as it is now; `None` if it is gone.
    ///
    /// # Errors
    /// Why the store does not say.
    async fn source(&self, id: DataSourceId) -> Result<Option<Arc<DataSource>>, String>;

    /// The number of an attempt in its job run; `None` for an unknown one.
    ///
    /// # Errors
    /// Why the store does not say.
    async fn number(&self, attempt: AttemptId) -> Result<Option<u32>, String>;
}

/// Data sources of a store.
#[derive(Clone, Debug)]
pub struct Stored<H>(pub H);

#[async_trait]
impl<H: History> Sources for Stored<H> {
    async fn source(&self, id: DataSourceId) -> Result<Option<Arc<DataSource>>, String> {
        match self.0.definition(id.into()).await {
            Ok(Some(Definition::DataSource(source))) => Ok(Some(source)),
            Ok(_) => Ok(None),
            Err(error) => Err(with_causes(&error)),
        }
    }

    async fn number(&self, attempt: AttemptId) -> Result<Option<u32>, String> {
        let found = self.0.attempt(attempt).await;
        let found = found.map_err(|error| with_causes(&error))?;
        Ok(found.map(|row| row.number))
    }
}

/// Answers of the latest executions.
#[derive(Default)]
struct Kept {
    order: VecDeque<ExecutionId>,
    of: BTreeMap<ExecutionId, BTreeMap<Asked, Value>>,
}

/// What was asked: a version of a data source, and the query's text.
type Asked = (DataSourceId, u32, String);

/// What was answered, or is being asked.
#[derive(Clone, Default)]
struct Value {
    row: Arc<OnceCell<Row>>,
    /// Who has it, and for which attempt.
    users: BTreeMap<JobRunId, AttemptId>,
}

impl Kept {
    /// The answer for an attempt to share. A job that is tried again asks anew, and has whoever comes after it share that.
    fn value(&mut self, order: &ResolveOrder, asked: Asked) -> Arc<OnceCell<Row>> {
        if !self.of.contains_key(&order.execution) {
            self.order.push_back(order.execution);
            if self.order.len() > EXECUTIONS
                && let Some(oldest) = self.order.pop_front()
            {
                self.of.remove(&oldest);
            }
        }
        let value = self.of.entry(order.execution).or_default();
        let value = value.entry(asked).or_default();
        let before = value.users.get(&order.job_run);
        if before.is_some_and(|before| *before != order.attempt) {
            *value = Value::default();
        }
        value.users.insert(order.job_run, order.attempt);
        Arc::clone(&value.row)
    }

    /// Whoever asks the same next asks anew.
    fn forget(&mut self, execution: ExecutionId, asked: &Asked, row: &Arc<OnceCell<Row>>) {
        let values = self.of.get_mut(&execution);
        if let Some(value) = values.and_then(|values| values.get_mut(asked))
            && Arc::ptr_eq(&value.row, row)
        {
            value.row = Arc::default();
        }
    }
}

impl Asking {
    /// Begins; what it asks ends when it is dropped.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn start(sources: Arc<dyn Sources>, pools: Arc<Pools>) -> Self {
        let (tells, answers) = mpsc::unbounded_channel();
        let kept = Mutex::new(Kept::default());
        Self {
            shared: Arc::new(Shared {
                sources,
                pools,
                kept,
            }),
            runtime: Handle::current(),
            answers: tokio::sync::Mutex::new(answers),
            tells,
            tasks: Mutex::new(Vec::new()),
        }
    }
}

#[async_trait]
impl ParamResolver for Asking {
    fn resolve(&self, order: ResolveOrder) -> Result<(), ResolveError> {
        let (shared, tells) = (Arc::clone(&self.shared), self.tells.clone());
        let task = self.runtime.spawn(async move {
            let attempt = order.attempt;
            let answer = shared.answer(&order).await;
            // Nobody listens only when all ends.
            let _ = tells.send((attempt, answer));
        });
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task.abort_handle());
        Ok(())
    }

    async fn recv(&self) -> Answer {
        let next = self.answers.lock().await.recv().await;
        match next {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.drain(..).for_each(|task| task.abort());
    }
}

impl Shared {
    /// All values, or why the first that is missing is.
    async fn answer(
        &self,
        order: &ResolveOrder,
    ) -> Result<BTreeMap<ParamId, String>, ResolveError> {
        let asking = order.asks.iter().map(|ask| async move {
            let value = self.value(order, ask).await;
            value.map_err(|AskError { kind, reason }| ResolveError {
                param: ask.param,
                kind,
                reason,
            })
        });
        let values = join_all(asking).await;
        let asks = order.asks.iter().map(|ask| ask.param);
        asks.zip(values)
            .map(|(param, value)| value.map(|value| (param, value)))
            .collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn value(&self, order: &ResolveOrder, ask: &ParamAsk) -> Result<String, AskError> {
        let other = |reason: String| AskError::new(ResolveErrorKind::Other, reason);
        let source = self.sources.source(ask.data_source).await.map_err(other)?;
        let source = source.ok_or_else(|| other("its data source is gone".to_owned()))?;
        let number = match query::names_attempt(&ask.query) {
            true => self.sources.number(order.attempt).await.map_err(other)?,
            false => None,
        };
        let number = number.unwrap_or(1);
        let text = query::fill(&ask.query, order, number, source.kind)
            .map_err(|error: QueryError| other(error.to_string()))?;
        let asked = (source.id, source.revision.version, text.clone());
        let cell = self.kept().value(order, asked.clone());
        // Failures are not kept: whoever waits for the same asks next.
        let asking = cell.get_or_try_init(|| self.pools.ask(&source, &text, ask.timeout));
        let row = match tokio::time::timeout(ask.timeout, asking).await {
            Ok(row) => row?,
            Err(_) => return Err(AskError::timed_out(ask.timeout)),
        };
        let value = row.value(ask.column.as_deref(), ask.value_type);
        if value.is_err() {
            self.kept().forget(order.execution, &asked, &cell);
        }
        value
    }
}
